using Penstock.Server.Commands.Output;

namespace Penstock.Server.Commands.Doctor;

/// <summary>What the checks found, a line each, with what to do below what is wrong.</summary>
internal sealed class Report(TextWriter output)
{
    public bool HasFailed { get; private set; }

    public Task GoodAsync(string what) => WriteAsync("ok", "32", what);

    /// <summary>It may be meant.</summary>
    public Task NoteAsync(string what) => WriteAsync("note", "33", what);

    public async Task BadAsync(string what, string mend)
    {
        HasFailed = true;
        await WriteAsync("bad", "31", what);
        await output.WriteLineAsync($"      {mend}");
    }

    private Task WriteAsync(string mark, string color, string what) =>
        output.WriteLineAsync(Terminal.StylesOutput ? $"\e[{color}m{mark,-4}\e[0m  {what}" : $"{mark,-4}  {what}");
}
