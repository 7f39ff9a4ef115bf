using System.Globalization;
using Penstock.AspNetCore.Auth;

namespace Penstock.Server.Commands;

/// <summary><c>penstock keys</c>: makes keys, lists them, and revokes them.</summary>
internal static class KeysCommand
{
    public static readonly string Help = $"""
        Makes, lists and revokes the keys that callers show. A running server knows within a second.

        Usage: penstock keys create [OPTION]...    make a key, and print it: once, since only its hash is kept
               penstock keys ls                    list them
               penstock keys revoke ID             end one; ID is what stands after pk_

          --data FOLDER        the server's data folder (Penstock:Storage:Path of appsettings.json or the
                               environment, else data); the keys are in its keys.json
          --owner NAME         to whom what the key starts belongs; keys of one owner see the same (its own id)
          --model GLOB         a model that it may ask for, * for anything; may be repeated (all)
          --endpoint NAME      an endpoint that it may use; may be repeated (all): {string.Join(", ", Surface.Names[..4])},
                               {string.Join(", ", Surface.Names[4..])}
          --priority NAME      which of what waits for a worker is taken first: high, normal or low (normal)
          --expires TIME       when it ends: 30d, 12h, or a time like 2030-01-31T12:00:00Z (never)
          --rpm N              requests a minute
          --tpm N              tokens a minute, of requests and answers together
          --streams N          answers that may run at once
          --stream-tokens N    the longest answer, in tokens
          --stream-seconds N   the longest answer, in seconds
          --budget-day N       what it may spend a day, by the prices of Penstock:Limits:Prices
          --budget-month N     what it may spend a month
                               (each as Penstock:Limits:PerKey has it; 0 for no limit)
          --admin              it sees and stops everybody's
          --config             keep nothing; print the settings that hold the key instead

        Try:  penstock keys create --owner alice --model 'openai/*' --expires 30d
        """;

    public static async Task<int> RunAsync(string[] args, TextWriter output)
    {
        var rest = new Arguments(args);
        var file = new KeyFile(FileOf(rest.Take("--data")));
        switch (args)
        {
            case ["create", ..]:
                await CreateAsync(rest, file, output);
                return 0;
            case ["ls", ..]:
                rest.End("ls");
                await ListAsync(file, output);
                return 0;
            case ["revoke", ..]:
                await RevokeAsync(rest.End("revoke", "ID"), file, output);
                return 0;
            case []:
                throw new UsageException("Say what to do: create, ls or revoke.");
            default:
                throw new UsageException($"'{string.Join(' ', args)}' is not understood.");
        }
    }

    private static async Task CreateAsync(Arguments args, KeyFile file, TextWriter output)
    {
        var (id, key) = ApiKey.New();
        var now = DateTimeOffset.UtcNow;
        var record = new KeyRecord(id, Convert.ToHexStringLower(ApiKey.Hash(key)), args.Take("--owner") ?? id, now)
        {
            Admin = args.TakeFlag("--admin"),
            Models = args.TakeAll("--model"),
            Endpoints = args.TakeAll("--endpoint"),
            Priority = args.Take("--priority"),
            Limits = KeyLimits.Take(args),
            ExpiresAt = args.Take("--expires") is { } expires ? ParseEnd(expires, now) : null,
        };
        var asConfig = args.TakeFlag("--config");
        args.End("create");
        if (record.Endpoints.FirstOrDefault(e => !Surface.Names.Contains(e, StringComparer.Ordinal)) is { } unknown)
            throw new UsageException($"There is no endpoint '{unknown}'.");
        if (record.Priority is { } priority && !KeyPriority.TryParse(priority, out _))
            throw new UsageException($"'{priority}' is no priority: give {KeyPriority.Names}.");
        if (asConfig) await WriteConfigAsync(record, output);
        else file.Change(keys => [.. keys, record]);
        await output.WriteLineAsync(key);
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
        if (key.ExpiresAt is { } end) await output.WriteLineAsync($"{prefix}ExpiresAt={end:O}");
        foreach (var (name, value) in KeyLimits.Settings(key.Limits)) await output.WriteLineAsync($"{prefix}Limits__{name}={value}");
    }

    private static Task ListAsync(KeyFile file, TextWriter output)
    {
        var now = DateTimeOffset.UtcNow;
        return Table.WriteAsync(output, ["ID", "OWNER", "STATE", "MODELS", "ENDPOINTS", "PRIORITY", "LIMITS", "CREATED", "EXPIRES"], file.Read().Select(key => new[]
        {
            key.Id,
            key.Admin ? key.Owner + " (admin)" : key.Owner,
            key.RevokedAt is not null ? "revoked" : key.ExpiresAt <= now ? "expired" : "live",
            key.Models.Count == 0 ? "all" : string.Join(',', key.Models),
            key.Endpoints.Count == 0 ? "all" : string.Join(',', key.Endpoints),
            key.Priority ?? "normal",
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
            if (at < 0) throw new CommandException($"There is no key '{id}' in {file.Path}.");
            keys[at] = keys[at] with { RevokedAt = keys[at].RevokedAt ?? DateTimeOffset.UtcNow };
            return keys;
        });
        await output.WriteLineAsync($"{id} is revoked.");
    }

    // As the server finds it.
    private static string FileOf(string? folder)
    {
        if (folder is not null) return Path.Combine(folder, "keys.json");
        var configuration = new ConfigurationBuilder().SetBasePath(Directory.GetCurrentDirectory()).AddJsonFile("appsettings.json", optional: true).AddEnvironmentVariables().Build();
        return configuration["Penstock:Auth:KeyFile"] ?? Path.Combine(configuration["Penstock:Storage:Path"] ?? "data", "keys.json");
    }

    private static DateTimeOffset ParseEnd(string text, DateTimeOffset now)
    {
        if (int.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var count) && text[^1] is 'd' or 'h')
            return now + (text[^1] == 'd' ? TimeSpan.FromDays(count) : TimeSpan.FromHours(count));
        return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var end)
            ? end
            : throw new UsageException($"'{text}' is no time: give 30d, 12h, or one like 2030-01-31T12:00:00Z.");
    }
}
