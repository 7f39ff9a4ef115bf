namespace Penstock.Protocols;

/// <summary>Why an answer was stopped, as <see cref="GenerationEvent.StopReason"/> and the native <c>stopped</c> say it.</summary>
internal static class StopReasons
{
    public const string Requested = "requested";

    public const string Disconnected = "disconnected";

    /// <summary>It, or whoever asked, has used as many tokens as allowed.</summary>
    public const string TokenLimit = "token_limit";

    /// <summary>It took as long as allowed.</summary>
    public const string TimeLimit = "time_limit";

    /// <summary>Whoever asked has spent what is allowed.</summary>
    public const string BudgetLimit = "budget_limit";

    /// <summary>What protocols with fewer words say of it: one that a limit cut is too long.</summary>
    public static FinishReason ToFinish(string? reason) => reason is TokenLimit or TimeLimit or BudgetLimit ? FinishReason.Length : FinishReason.Stop;
}
