using System.Text.Json;

namespace Penstock.Generations.Tools;

/// <summary>Runs a tool.</summary>
/// <param name="arguments">What the model called it with: a JSON object.</param>
/// <param name="cancellationToken">The answer was stopped, or the tool took too long.</param>
/// <exception cref="ToolException">It could not; the message is for the model and the client.</exception>
public delegate ValueTask<ToolOutput> ToolHandler(JsonElement arguments, CancellationToken cancellationToken);

/// <summary>A tool that this server runs when a model calls it.</summary>
/// <param name="name">Its name: letters, digits, <c>_</c> and <c>-</c>, at most 64.</param>
/// <param name="run">Runs it. What it throws, but for <see cref="ToolException"/>, is shown to nobody.</param>
public sealed class ServerTool(string name, ToolHandler run)
{
    public string Name => name;

    /// <summary>What it is for, as the model is told.</summary>
    public string? Description { get; init; }

    /// <summary>The JSON schema of its arguments; empty for none.</summary>
    public ReadOnlyMemory<byte> Parameters { get; init; }

    /// <summary>The label of the server that has it, as clients see it.</summary>
    public string Server { get; init; } = "penstock";

    /// <summary>Whether it may be run again when it is not known what became of its last run.</summary>
    public bool IsIdempotent { get; init; }

    /// <summary>Whether a person must allow each call.</summary>
    public bool NeedsApproval { get; init; }

    /// <summary>How long it may take.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How much of its result is taken, in characters; the rest is cut off.</summary>
    public int MaxResultLength { get; init; } = 64 * 1024;

    internal ToolHandler Run => run;
}

/// <summary>What a tool gave back.</summary>
/// <param name="Text">The text for the model.</param>
/// <param name="IsError">Whether it says what went wrong.</param>
public readonly record struct ToolOutput(string Text, bool IsError = false);

/// <summary>A tool could not do what it was asked; the message is shown to the model and to the client.</summary>
public sealed class ToolException(string message) : Exception(message);
