namespace Penstock.Providers.Simulated;

/// <summary>Counts what an answer used.</summary>
internal sealed class SimulatedUsage(SimulatedRequest request)
{
    public int Prompt => request.Model.ZeroUsage ? 0 : request.PromptTokens;

    public int Completion => request.Model.ZeroUsage ? 0 : Sent;

    public int Reasoning => request.Model.ZeroUsage ? 0 : SentReasoning;

    /// <summary>Tokens sent so far, of every kind and choice.</summary>
    public int Sent { get; private set; }

    private int SentReasoning { get; set; }

    public void Count(in SimulatedStep step)
    {
        if (step.IsToken) Sent++;
        if (step.Part == SimulatedPart.Reasoning) SentReasoning++;
    }
}
