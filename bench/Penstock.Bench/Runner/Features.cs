using System.Security.Cryptography;
using System.Text;

namespace Penstock.Bench.Runner;

/// <summary>
/// Penstock with all that a deployment may turn on: keys, limits of every kind that none meets, traces and metrics by OTLP, logs as
/// they are unless one asks for more, and an <see cref="Operator"/> who scrapes and collects. Beside it, Penstock with none of it.
/// </summary>
static class Features
{
    const string ClientId = "0123456789ab", OperatorId = "ba9876543210";

    static readonly string _client = KeyOf(ClientId), _operator = KeyOf(OperatorId);

    public static readonly Contender Without = Contender.Penstock with
    {
        Name = "plain",
        Settings = new Dictionary<string, string>(StringComparer.Ordinal) { ["Logging__LogLevel__Default"] = "None" },
    };

    public static readonly Contender With = Contender.Penstock with
    {
        Name = "features",
        Query = $"?key={_client}",
        Against = Without,
        Settings = Settings(),
        OperatorKey = _operator,
    };

    static Dictionary<string, string> Settings()
    {
        var settings = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            [$"Penstock__Auth__Keys__{ClientId}__Hash"] = HashOf(_client),
            [$"Penstock__Auth__Keys__{ClientId}__Owner"] = "bench",
            [$"Penstock__Auth__Keys__{OperatorId}__Hash"] = HashOf(_operator),
            [$"Penstock__Auth__Keys__{OperatorId}__Admin"] = "true",
            ["Penstock__Limits__Prices__0__Model"] = "*",
            ["Penstock__Limits__Prices__0__Input"] = "1",
            ["Penstock__Limits__Prices__0__Output"] = "2",
        };
        foreach (var account in (string[])["PerKey", "PerOwner"])
        {
            foreach (var limit in (string[])["RequestsPerMinute", "TokensPerMinute", "Streams", "TokensPerStream", "SecondsPerStream", "BudgetPerDay", "BudgetPerMonth"])
                settings[$"Penstock__Limits__{account}__{limit}"] = "100000000";
        }

        return settings;
    }

    static string KeyOf(string id) => $"pk_{id}_{new string('5', 64)}";

    static string HashOf(string key) => Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(key)));
}
