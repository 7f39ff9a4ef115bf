namespace Penstock.Server.Commands.Output;

/// <summary>What may be written beside plain text: only to a terminal, and not where the user or the terminal wants none.</summary>
internal static class Terminal
{
    private static readonly bool _wantsNone =
        Environment.GetEnvironmentVariable("NO_COLOR") is { Length: > 0 } || Environment.GetEnvironmentVariable("TERM") == "dumb";

    public static bool StylesOutput { get; } = !Console.IsOutputRedirected && !_wantsNone;

    public static bool StylesError { get; } = !Console.IsErrorRedirected && !_wantsNone;

    /// <summary>Says something beside the data.</summary>
    public static void Note(string text) => Console.Error.WriteLine(StylesError ? $"\e[2m{text}\e[0m" : text);

    /// <summary>Shows how far it is, where somebody watches, in place of what was shown before; empty clears it.</summary>
    public static void Progress(string text)
    {
        if (StylesError) Console.Error.Write($"\r\e[K\e[2m{text}\e[0m");
    }
}
