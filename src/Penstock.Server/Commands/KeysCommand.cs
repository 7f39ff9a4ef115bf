using System.CommandLine;
using System.Globalization;
using Penstock.AspNetCore.Auth;

namespace Penstock.Server.Commands;

/// <summary><c>penstock keys</c>: makes keys, lists them, and revokes them.</summary>
internal static class KeysCommand
{
    private const long LongestSeconds = 36_500L * 86_400;

    private const string Description = "Makes, lists and revokes the keys that callers show. A running server knows within a second.";

    public static Command New() =>
        new PenstockCommand("keys", Description, "penstock keys create --owner alice --model 'openai/*' --expires 30d") { NewCreate(), NewList(), NewRevoke() };

    private static PenstockCommand NewCreate()
    {
        var data = NewData();
        var owner = new Option<string?>("--owner") { Description = "To whom what the key starts belongs; keys of one owner see the same (its own id).", HelpName = "NAME" };
        var models = new Option<string[]>("--model") { Description = "A model that it may ask for, * for anything; may be repeated (all).", HelpName = "GLOB" };
        var endpoints = new Option<string[]>("--endpoint") { Description = $"An endpoint that it may use; may be repeated (all): {string.Join(", ", Surface.Names)}.", HelpName = "NAME" }
            .AcceptOnlyFromAmong([.. Surface.Names]);
        var priority = new Option<string?>("--priority") { Description = "Which of what waits for a worker is taken first: high, normal or low (normal).", HelpName = "NAME" };
        var cache = new Option<string?>("--cache") { Description = "How old an answer may be that serves for the same request: 90s, 10m, 1h or 1d; 0s for none (what the configuration says).", HelpName = "TIME" };
        var expires = new Option<string?>("--expires") { Description = "When it ends: 30d, 12h, or a time like 2030-01-31T12:00:00Z (never).", HelpName = "TIME" };
        var admin = new Option<bool>("--admin") { Description = "It sees and stops everybody's." };
        var config = new Option<bool>("--config") { Description = "Keep nothing; print the settings that hold the key instead." };
        var command = new PenstockCommand("create", "Makes a key, and prints it: once, since only its hash is kept.", "penstock keys create --owner alice --model 'openai/*' --expires 30d")
        {
            owner, models, endpoints, priority, cache, expires, admin, config, data,
        };
        var limits = new KeyLimits(command);
        command.SetAction(async result =>
        {
            var (id, key) = ApiKey.New();
            var now = DateTimeOffset.UtcNow;
            var record = new KeyRecord(id, Convert.ToHexStringLower(ApiKey.Hash(key)), result.GetValue(owner) ?? id, now)
            {
                Admin = result.GetValue(admin),
                Models = result.GetValue(models) ?? [],
                Endpoints = result.GetValue(endpoints) ?? [],
                Priority = result.GetValue(priority),
                CacheMaxAge = result.GetValue(cache) is { } age ? ParseSpan(age) : null,
                Limits = limits.Read(result),
                ExpiresAt = result.GetValue(expires) is { } end ? ParseEnd(end, now) : null,
            };
            if (string.IsNullOrWhiteSpace(record.Owner)) throw new UsageException("--owner is empty: name whose the key is, or leave it out.");
            if (record.Priority is { } asked && !KeyPriority.TryParse(asked, out _)) throw new UsageException($"'{asked}' is no priority: give {KeyPriority.Names}.");
            var output = result.InvocationConfiguration.Output;
            if (result.GetValue(config)) await WriteConfigAsync(record, output);
            else FileOf(result.GetValue(data)).Change(keys => [.. keys, record]);
            await output.WriteLineAsync(key);
            return ExitCodes.Done;
        });
        return command;
    }

    private static PenstockCommand NewList()
    {
        var data = NewData();
        var command = new PenstockCommand("ls", "Lists the keys.", "penstock keys ls") { data };
        command.SetAction(async result =>
        {
            await ListAsync(FileOf(result.GetValue(data)), result.InvocationConfiguration.Output);
            return ExitCodes.Done;
        });
        return command;
    }

    private static PenstockCommand NewRevoke()
    {
        var id = new Argument<string>("ID") { Description = "What stands after pk_." };
        var data = NewData();
        var command = new PenstockCommand("revoke", "Ends a key.", "penstock keys revoke 0123456789ab") { id, data };
        command.SetAction(async result =>
        {
            await RevokeAsync(result.GetValue(id)!, FileOf(result.GetValue(data)), result.InvocationConfiguration.Output);
            return ExitCodes.Done;
        });
        return command;
    }

    private static async Task WriteConfigAsync(KeyRecord key, TextWriter output)
    {
        var prefix = $"Penstock__Auth__Keys__{key.Id}__";
        await output.WriteLineAsync($"{prefix}Hash={key.Hash}");
        if (key.Owner != key.Id) await output.WriteLineAsync($"{prefix}Owner={key.Owner}");
        if (key.Admin) await output.WriteLineAsync($"{prefix}Admin=true");
        for (var i = 0; i < key.Models.Count; i++) await output.WriteLineAsync($"{prefix}Models__{i}={key.Models[i]}");
        for (var i = 0; i < key.Endpoints.Count; i++) await output.WriteLineAsync($"{prefix}Endpoints__{i}={key.Endpoints[i]}");
        if (key.Priority is { } priority) await output.WriteLineAsync($"{prefix}Priority={priority}");
        if (key.CacheMaxAge is { } age) await output.WriteLineAsync($"{prefix}CacheMaxAge={age:c}");
        if (key.ExpiresAt is { } end) await output.WriteLineAsync($"{prefix}ExpiresAt={end:O}");
        foreach (var (name, value) in KeyLimits.Settings(key.Limits)) await output.WriteLineAsync($"{prefix}Limits__{name}={value}");
    }

    private static Task ListAsync(KeyFile file, TextWriter output)
    {
        var now = DateTimeOffset.UtcNow;
        return Table.WriteAsync(output, ["ID", "OWNER", "STATE", "MODELS", "ENDPOINTS", "PRIORITY", "CACHE", "LIMITS", "CREATED", "EXPIRES"], file.Read().Select(key => new[]
        {
            key.Id,
            key.Admin ? key.Owner + " (admin)" : key.Owner,
            key.RevokedAt is not null ? "revoked" : key.ExpiresAt <= now ? "expired" : "live",
            key.Models.Count == 0 ? "all" : string.Join(',', key.Models),
            key.Endpoints.Count == 0 ? "all" : string.Join(',', key.Endpoints),
            key.Priority ?? "normal",
            key.CacheMaxAge is not { } age ? "" : age == TimeSpan.Zero ? "off" : $"{age:c}",
            KeyLimits.Describe(key.Limits),
            Table.Time(key.CreatedAt),
            key.ExpiresAt is { } end ? Table.Time(end) : "",
        }));
    }

    private static async Task RevokeAsync(string id, KeyFile file, TextWriter output)
    {
        if (id.StartsWith(ApiKey.Prefix, StringComparison.Ordinal)) id = id[ApiKey.Prefix.Length..].Split('_')[0]; // the key itself does too
        file.Change(keys =>
        {
            var at = keys.FindIndex(k => k.Id == id);
            if (at < 0) throw new CommandException($"There is no key '{id}' in {file.Path}.", ExitCodes.NotFound);
            keys[at] = keys[at] with { RevokedAt = keys[at].RevokedAt ?? DateTimeOffset.UtcNow };
            return keys;
        });
        await output.WriteLineAsync($"{id} is revoked.");
    }

    private static Option<string?> NewData() => new("--data")
    {
        Description = "The server's data folder (Penstock:Storage:Path of appsettings.json or the environment, else data); the keys are in its keys.json.",
        HelpName = "FOLDER",
    };

    // As the server finds it.
    private static KeyFile FileOf(string? folder)
    {
        if (folder is not null) return new KeyFile(Path.Combine(folder, "keys.json"));
        var configuration = new ConfigurationBuilder().SetBasePath(Directory.GetCurrentDirectory()).AddJsonFile("appsettings.json", optional: true).AddEnvironmentVariables().Build();
        return new KeyFile(configuration["Penstock:Auth:KeyFile"] ?? Path.Combine(configuration["Penstock:Storage:Path"] ?? "data", "keys.json"));
    }

    private static TimeSpan ParseSpan(string text) =>
        SpanOf(text) ?? throw new UsageException($"'{text}' is no time: give 90s, 10m, 1h or 1d, or 0s for none.");

    private static DateTimeOffset ParseEnd(string text, DateTimeOffset now)
    {
        if (text is [.., 'd' or 'h'] && SpanOf(text) is { } span) return now + span;
        return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var end)
            ? end
            : throw new UsageException($"'{text}' is no time: give 30d, 12h, or one like 2030-01-31T12:00:00Z.");
    }

    // A hundred years at most, as the server takes it.
    private static TimeSpan? SpanOf(string text)
    {
        long? unit = text is [.., var last] ? last switch { 's' => 1, 'm' => 60, 'h' => 3600, 'd' => 86_400, _ => null } : null;
        return unit is { } seconds && int.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count * seconds <= LongestSeconds
            ? TimeSpan.FromSeconds(count * seconds)
            : null;
    }
}
