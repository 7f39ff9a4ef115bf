using Microsoft.Extensions.Logging;
using Penstock.Protocols;

namespace Penstock.Generations.Tools;

/// <summary>Runs the calls of one step, all at once: each waits for a person first where it must, and its result is recorded when it is there.</summary>
/// <param name="generation">The generation's id.</param>
/// <param name="said">The log, with what is recorded here.</param>
/// <param name="tools">The tools.</param>
/// <param name="recorder">Writes the generation's stream.</param>
/// <param name="settings">Who is asked, and what must not be shown.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">The log of what happens.</param>
internal sealed class ToolCalls(
    string generation, GenerationSnapshot said, ToolSet tools, EventRecorder recorder, ToolSettings settings, TimeProvider time, ILogger logger)
{
    // More at once are a model gone astray.
    private const int MaxCalls = 64;

    private readonly List<Running> _running = [];
    private volatile bool _waits;

    /// <summary>People are waited for, and nothing else.</summary>
    public bool Waits => _waits;

    /// <summary>How long that took.</summary>
    public TimeSpan Waited { get; private set; }

    /// <exception cref="OperationCanceledException">The answer was stopped.</exception>
    public async Task RunAsync(IReadOnlyList<SnapshotBlock> calls, CancellationToken stop)
    {
        if (calls.Any(c => tools.Find(c.Name) is { NeedsApproval: true, AsksClient: false })) await settings.Approvals.AskAsync(generation);
        var begun = calls.Take(MaxCalls).Select(Begin).OfType<Func<CancellationToken, Running>>().ToList();
        foreach (var call in calls.Skip(MaxCalls)) Fail(call, $"The tool was not run: a model may call {MaxCalls} at once.");
        await recorder.StoreAsync(); // that they begin, before they do
        using var end = CancellationTokenSource.CreateLinkedTokenSource(stop);
        try
        {
            foreach (var start in begun) _running.Add(start(end.Token));
            while (_running.Count > 0)
            {
                var done = await AnyAsync();
                if (done.Output is not null) Record(done.Call, await done.Output);
                else Record(ApprovalOf(done.Call, await done.Approval! ? ApprovalState.Approved : ApprovalState.Denied));
                var next = done.Output is null ? Begin(done.Call) : null;
                await recorder.StoreAsync();
                if (next is not null) _running.Add(next(end.Token));
            }
        }
        finally
        {
            await end.CancelAsync(); // where the answer ends here, nobody takes what the others give
        }
    }

    /// <summary>Records that a call is not run, and why.</summary>
    public void Fail(SnapshotBlock call, string reason) => Record(call, new ToolOutput(reason, IsError: true));

    /// <summary>Records the next that becomes of a call.</summary>
    /// <returns>What is to be done once that is stored; null where nothing is.</returns>
    private Func<CancellationToken, Running>? Begin(SnapshotBlock call)
    {
        if (tools.Find(call.Name) is not { Tool: var tool } offered)
        {
            Fail(call, "There is no such tool any more.");
            return null;
        }

        if (call.IsRun && !tool.IsIdempotent)
        {
            Fail(call, "The server stopped while the tool ran. It is not known whether the call has had its effect, and it is not made again.");
            return null;
        }

        if (call.Approval == ApprovalState.Denied)
        {
            Fail(call, call.ApprovalReason is { Length: > 0 } reason ? $"The tool was not run: a person did not allow it, and said: {reason}" : "The tool was not run: a person did not allow it.");
            return null;
        }

        if (offered.NeedsApproval && call.Approval != ApprovalState.Approved)
        {
            if (call.Approval is null)
            {
                Record(ApprovalOf(call, ApprovalState.Asked));
                call.AskedAt = Now;
            }

            if (offered.AsksClient) return null; // its next request says
            ToolLog.Waits(logger, generation, tool.Name, tool.Server);
            return stop => new Running(call) { Approval = IsAllowedAsync(call, stop) };
        }

        Record(new GenerationEvent { Kind = EventKind.ToolRun, Block = call.Block });
        return stop => new Running(call) { Output = ToolRunner.RunAsync(generation, tool, JsonText.ToText(call.Text.WrittenSpan), time, logger, stop) };
    }

    // Who waits on after another server asked waits for what is left.
    private async Task<bool> IsAllowedAsync(SnapshotBlock call, CancellationToken stop)
    {
        var left = settings.Options.ApprovalTimeout - (Now - call.AskedAt ?? TimeSpan.Zero);
        return await settings.Approvals.WaitAsync(generation, call.Block, left > TimeSpan.Zero ? left : TimeSpan.Zero, stop) is true;
    }

    private TimeSpan? Now => recorder.Clock is { } clock ? TimeSpan.FromMilliseconds(clock.Now) : null;

    private async Task<Running> AnyAsync()
    {
        var since = time.GetTimestamp();
        _waits = _running.TrueForAll(r => r.Output is null);
        await Task.WhenAny(_running.Select(r => r.Task));
        if (_waits) Waited += time.GetElapsedTime(since);
        _waits = false;
        var done = _running.Find(r => r.Task.IsCompleted)!;
        _running.Remove(done);
        return done;
    }

    private void Record(SnapshotBlock call, ToolOutput output)
    {
        var block = recorder.NextBlock;
        Record(new GenerationEvent
        {
            Kind = EventKind.BlockStart,
            Block = block,
            BlockKind = BlockKind.ToolResult,
            Id = call.Id,
            Name = call.Name,
            Server = call.Server,
            Call = call.Block,
            IsError = output.IsError,
        });
        if (ToolRunner.Filter(output.Text, settings.Filters) is { Length: > 0 } text) Record(new GenerationEvent { Kind = EventKind.Delta, Block = block, Text = text });
        Record(new GenerationEvent { Kind = EventKind.BlockStop, Block = block });
    }

    private void Record(in GenerationEvent generationEvent)
    {
        recorder.Add(generationEvent);
        said.Add(generationEvent, said.Offset + 1);
    }

    private static GenerationEvent ApprovalOf(SnapshotBlock call, ApprovalState state) =>
        new() { Kind = EventKind.Approval, Block = call.Block, Id = call.Id, Name = call.Name, Approval = state };

    /// <summary>A call that something is done about: it is run, or a person is asked.</summary>
    private sealed class Running(SnapshotBlock call)
    {
        public SnapshotBlock Call => call;

        public Task<ToolOutput>? Output { get; init; }

        public Task<bool>? Approval { get; init; }

        public Task Task => Output ?? (Task)Approval!;
    }
}
