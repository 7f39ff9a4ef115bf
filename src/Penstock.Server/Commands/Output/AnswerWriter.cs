using System.Globalization;
using System.Text;
using Penstock.Client;

namespace Penstock.Server.Commands.Output;

/// <summary>Writes an answer as its events come: its text to standard output, what else there is to tell to standard error.</summary>
/// <param name="output">Standard output.</param>
/// <param name="asJson">Write the events themselves, one a line.</param>
/// <param name="after">What has been seen: it is read, since it says what the rest belongs to, and not written.</param>
internal sealed class AnswerWriter(TextWriter output, bool asJson, long after = -1)
{
    private readonly MarkdownWriter? _markdown = Terminal.StylesOutput && !asJson ? new MarkdownWriter(output) : null;
    private readonly Dictionary<int, (BlockStarted Start, StringBuilder Call)> _blocks = [];
    private TokenUsage? _usage;
    private char _last = '\n';
    private bool _isThinking;

    /// <summary>The first answer's text.</summary>
    public StringBuilder Text { get; } = new();

    /// <summary>What the program ends with, once the answer has ended.</summary>
    public int? ExitCode { get; private set; }

    public void Write(PenstockEvent next)
    {
        var isShown = next.Offset > after;
        if (asJson && isShown) WriteJson(next);
        switch (next)
        {
            case BlockStarted start:
                _blocks[start.Block] = (start, new StringBuilder());
                break;
            case BlockDelta delta when _blocks.TryGetValue(delta.Block, out var block) && block.Start.Choice == 0:
                if (block.Start.Kind is BlockKind.ToolCall or BlockKind.ServerToolCall) block.Call.Append(delta.Text);
                else WriteDelta(block.Start.Kind, delta.Text, isShown);
                break;
            case BlockStopped stop when _blocks.Remove(stop.Block, out var block) && block.Start is { Kind: BlockKind.ToolCall or BlockKind.ServerToolCall, Choice: 0 } && isShown && !asJson:
                Note($"[{block.Start.Name}({block.Call})]");
                break;
            case UsageReported usage:
                _usage = usage.Usage;
                break;
            case AttemptStarted { IsReset: true }:
                Text.Clear();
                if (isShown && !asJson) Note("[What stands above is void: the answer is begun anew.]");
                break;
        }

        if (next.IsEnding) End(next);
    }

    /// <summary>Ends the line that is being written.</summary>
    public void EndLine()
    {
        EndThought();
        if (asJson) return;
        if (_markdown is not null && _last != '\n') _markdown.End();
        else if (_last != '\n') output.WriteLine();
        _last = '\n';
    }

    private void WriteDelta(BlockKind kind, string text, bool isShown)
    {
        if (text.Length == 0) return;
        if (kind is BlockKind.Text or BlockKind.Refusal) Text.Append(text);
        if (asJson || !isShown) return;
        if (kind is BlockKind.Text or BlockKind.Refusal)
        {
            EndThought();
            if (_markdown is not null) _markdown.Write(text);
            else output.Write(text);
            _last = text[^1];
        }
        else if (kind == BlockKind.Reasoning && Terminal.StylesError)
        {
            // Beside the answer, for who watches.
            if (!_isThinking) Console.Error.Write("\e[2;3m");
            _isThinking = true;
            Console.Error.Write(string.Concat(text.Where(c => c is '\n' or '\t' || !char.IsControl(c))));
        }
    }

    private void EndThought()
    {
        if (_isThinking) Console.Error.WriteLine("\e[0m\n");
        _isThinking = false;
    }

    // The event as the log has it, with whose and which it is before.
    private void WriteJson(PenstockEvent next) => output.WriteLine(string.Create(
        CultureInfo.InvariantCulture, $"{{\"generation\":\"{next.Generation}\",\"offset\":{next.Offset},{Encoding.UTF8.GetString(next.Json.Span[1..])}"));

    private void End(PenstockEvent ending)
    {
        EndLine();
        switch (ending)
        {
            case GenerationStopped stopped:
                ExitCode = ExitCodes.Stopped;
                Console.Error.WriteLine(stopped.Reason == "requested" ? "Somebody stopped it." : "It was stopped: nobody watched.");
                break;
            case GenerationFailed failed:
                ExitCode = ExitCodes.Of(failed.Error);
                Console.Error.WriteLine(failed.Error.Message);
                break;
            case GenerationFinished finished:
                ExitCode = ExitCodes.Done;
                if (Terminal.StylesOutput && Terminal.StylesError && !asJson) Terminal.Note($"{ending.Generation} · {Tokens()}{finished.Reason}");
                break;
        }
    }

    private string Tokens() => _usage?.OutputTokens is { } tokens ? string.Create(CultureInfo.InvariantCulture, $"{tokens} tokens · ") : "";

    private void Note(string text)
    {
        EndLine();
        Terminal.Note(text);
    }
}
