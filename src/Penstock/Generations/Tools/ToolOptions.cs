namespace Penstock.Generations.Tools;

/// <summary>How far an answer may go that uses tools which the server runs.</summary>
public sealed class ToolOptions
{
    /// <summary>How often the model may be asked for one answer.</summary>
    public int MaxSteps { get; set; } = 16;

    /// <summary>How long an answer may go on to call tools, but for what it waits for a person.</summary>
    public TimeSpan MaxTime { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>How many tokens all steps together may use before no further one begins; 0 for as many as they like.</summary>
    public long MaxTokens { get; set; }

    /// <summary>How long a call waits for a person; then it counts as denied.</summary>
    public TimeSpan ApprovalTimeout { get; set; } = TimeSpan.FromHours(1);
}
