namespace Penstock.Jobs;

/// <summary>A generation that somebody is to run. What it needs beyond this stands in the store, under its id.</summary>
/// <param name="Id">The generation.</param>
public sealed record Job(string Id)
{
    public JobPriority Priority { get; init; } = JobPriority.Normal;

    /// <summary>The epoch that the generation's stream has as long as nobody has taken this job.</summary>
    public long Epoch { get; init; } = 1;

    /// <summary>How often a worker that shut down in good order has passed it on.</summary>
    public int HandOvers { get; init; }

    /// <summary>What is at hand already in the process that enqueues it. Only a queue of that one process keeps it.</summary>
    public object? Local { get; init; }
}

/// <summary>Which jobs are taken first.</summary>
public enum JobPriority : byte
{
    High,
    Normal,
    Low,
}
