using System.Globalization;
using Penstock.AspNetCore.Auth;
using Penstock.AspNetCore.Configuration;

namespace Penstock.Server.Commands.Doctor;

/// <summary>Who may call.</summary>
internal static class KeysCheck
{
    public static async Task RunAsync(PenstockOptions options, Report report)
    {
        var path = options.Auth.KeyFile ?? Path.Combine(options.Storage.Path, "keys.json");
        try
        {
            var now = DateTimeOffset.UtcNow;
            var all = new KeyFile(path).Read();
            var live = all.Count(k => k.RevokedAt is null && !(k.ExpiresAt <= now)) + options.Auth.Keys.Values.Count(k => !(k.ExpiresAt <= now));
            if (options.Auth.Open) await report.NoteAsync("Anybody who reaches the server may use it (Penstock:Auth:Open).");
            else if (live > 0) await report.GoodAsync(string.Create(CultureInfo.InvariantCulture, $"Who calls shows one of {live} live {(live == 1 ? "key" : "keys")}."));
            else if (all.Count > 0) await report.BadAsync($"No key in {path} is live, so nobody may call.", "Make one: penstock keys create");
            else await report.NoteAsync("There are no keys: the server answers on loopback alone. To change that: penstock keys create");
        }
        catch (KeyFileException e)
        {
            await report.BadAsync("The keys cannot be read.", e.Message);
        }
    }
}
