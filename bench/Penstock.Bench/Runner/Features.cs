using System.Security.Cryptography;
using System.Text;

namespace Penstock.Bench.Runner;

/// <summary>Penstock with all that a deployment may turn on: a key of each client's, limits of every kind that none meets, OTLP, and logs.</summary>
static class Features
{
    const string Id = "0123456789ab";

    static readonly string _key = $"pk_{Id}_{new string('5', 64)}";

    public static readonly Contender Contender = Contender.Penstock with
    {
        Name = "features",
        Query = $"?key={_key}",
        Against = Contender.Penstock with { Name = "plain" },
        Settings = Settings(),
        Exports = true,
    };

    static Dictionary<string, string> Settings()
    {
        var settings = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            [$"Penstock__Auth__Keys__{Id}__Hash"] = Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(_key))),
            [$"Penstock__Auth__Keys__{Id}__Owner"] = "bench",
            ["Penstock__Limits__Prices__0__Model"] = "*",
            ["Penstock__Limits__Prices__0__Input"] = "1",
            ["Penstock__Limits__Prices__0__Output"] = "2",
            ["Logging__LogLevel__Penstock"] = "Debug",
        };
        foreach (var account in (string[])["PerKey", "PerOwner"])
        {
            foreach (var limit in (string[])["RequestsPerMinute", "TokensPerMinute", "Streams", "TokensPerStream", "SecondsPerStream", "BudgetPerDay", "BudgetPerMonth"])
                settings[$"Penstock__Limits__{account}__{limit}"] = "100000000";
        }

        return settings;
    }
}
