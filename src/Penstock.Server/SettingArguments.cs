namespace Penstock.Server;

/// <summary>
/// Settings on the command line. The configuration takes any word there and leaves it unused, so that a misspelt option would start
/// a server; here is who says no.
/// </summary>
internal static class SettingArguments
{
    // ASP.NET Core's own beside ours.
    private static readonly HashSet<string> _sections = new(StringComparer.OrdinalIgnoreCase)
    {
        "Penstock", "Kestrel", "Logging", "urls", "http_ports", "https_ports", "environment", "contentRoot", "applicationName", "webroot", "AllowedHosts", "hostBuilder",
        "detailedErrors", "captureStartupErrors", "suppressStatusMessages", "preferHostingUrls", "preventHostingStartup", "hostingStartupAssemblies", "hostingStartupExcludeAssemblies",
        "shutdownTimeoutSeconds", "startupTimeoutSeconds",
    };

    /// <returns>What is wrong with the first that is not understood; null when all are.</returns>
    public static string? Mistake(IReadOnlyList<string> args)
    {
        for (var i = 0; i < args.Count; i++)
        {
            var argument = args[i];
            var equals = argument.IndexOf('=', StringComparison.Ordinal);
            var name = (equals < 0 ? argument : argument[..equals]) switch { ['-', '-', .. var rest] => rest, ['/', .. var rest] => rest, var all => equals < 0 ? null : all };
            if (name is null || !IsSetting(name)) return $"'{argument}' is no setting: give --urls ADDRESS, or --Penstock:… and a value.";
            if (equals < 0 && ++i == args.Count) return $"'{argument}' has no value: write {argument}=… or one behind it.";
        }

        return null;
    }

    // OPENAI_API_KEY and other variables may stand here, too.
    private static bool IsSetting(string name) => _sections.Contains(name.Split(':')[0]) || (name.Contains('_', StringComparison.Ordinal) && name.All(c => char.IsAsciiLetterUpper(c) || char.IsAsciiDigit(c) || c == '_'));
}
