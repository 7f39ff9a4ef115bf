using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Penstock.Generations.Filters;
using Penstock.Protocols;

namespace Penstock.Generations.Tools;

/// <summary>Runs one tool once: off the event loops, for no longer than it may, and takes no more of its result than it may give.</summary>
internal static class ToolRunner
{
    /// <exception cref="OperationCanceledException">The answer was stopped.</exception>
    public static async Task<ToolOutput> RunAsync(string generation, ServerTool tool, string arguments, TimeProvider time, ILogger logger, CancellationToken stop)
    {
        if (TryParse(arguments) is not { } parsed) return new ToolOutput("The arguments are not a JSON object.", IsError: true);
        using var late = new CancellationTokenSource(tool.Timeout, time);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(stop, late.Token);
        try
        {
            ToolLog.Runs(logger, generation, tool.Name, tool.Server);
            // One that does not heed the token is left behind.
            var run = Task.Run(async () => await tool.Run(parsed, end.Token), end.Token);
            var output = await run.WaitAsync(end.Token);
            return output with { Text = Cut(output.Text, tool.MaxResultLength) };
        }
        catch (ToolException e)
        {
            return new ToolOutput(Cut(e.Message, tool.MaxResultLength), IsError: true);
        }
        catch (Exception) when (stop.IsCancellationRequested)
        {
            throw new OperationCanceledException(stop);
        }
        catch (OperationCanceledException) when (late.IsCancellationRequested)
        {
            ToolLog.TimedOut(logger, generation, tool.Name, tool.Server, tool.Timeout);
            return new ToolOutput($"The tool did not answer within {tool.Timeout.TotalSeconds:0.###} seconds.", IsError: true);
        }
        catch (Exception e)
        {
            ToolLog.Failed(logger, generation, tool.Name, tool.Server, e);
            return new ToolOutput("The tool failed.", IsError: true);
        }
    }

    /// <summary>A result as it may be shown, JSON-escaped.</summary>
    /// <exception cref="AnswerStoppedException">A filter ends the answer here.</exception>
    public static byte[] Filter(string text, IReadOnlyList<OutputFilter> filters)
    {
        var escaped = JsonText.ToJson(text).AsSpan()[1..^1];
        if (filters.Count == 0) return escaped.ToArray();
        var block = new FilteredBlock(filters);
        var shown = block.Take(escaped, end: true).ToArray();
        return block.StoppedBy is { } filter ? throw new AnswerStoppedException(filter.Name) : shown;
    }

    private static JsonElement? TryParse(string arguments)
    {
        if (string.IsNullOrWhiteSpace(arguments)) arguments = "{}"; // of a tool that takes none
        var json = Encoding.UTF8.GetBytes(arguments);
        if (!JsonValue.IsWholeObject(json)) return null;
        using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = JsonValue.MaxDepth });
        return document.RootElement.Clone();
    }

    private static string Cut(string text, int most)
    {
        if (text.Length <= most) return text;
        var end = most > 0 && char.IsHighSurrogate(text[most - 1]) ? most - 1 : most;
        return $"{text.AsSpan(0, end)}\n[Cut off here: these are the first {end} of {text.Length} characters.]";
    }
}
