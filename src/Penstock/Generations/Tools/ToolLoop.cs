using Microsoft.Extensions.Logging;
using Penstock.Protocols;
using Penstock.Protocols.History;
using Penstock.Providers;
using Penstock.Streams;

namespace Penstock.Generations.Tools;

/// <summary>
/// What happens in an answer between two steps of the model: the tools that it called are run, and it is asked again with what they
/// gave back. Nothing but the request is kept here: what was said and done stands in the log, so that whoever takes the generation
/// over goes on from there.
/// </summary>
/// <param name="generation">The generation's id.</param>
/// <param name="request">The request, with the tools offered.</param>
/// <param name="tools">The tools.</param>
/// <param name="recorder">Writes the generation's stream.</param>
/// <param name="log">Where that is.</param>
/// <param name="settings">How far it may go, and who is asked.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">The log of what happens.</param>
internal sealed class ToolLoop(
    string generation, GenerationRequest request, ToolSet tools, EventRecorder recorder, IStreamLog log, ToolSettings settings, TimeProvider time, ILogger logger)
{
    private readonly long _began = time.GetTimestamp();
    private GenerationRequest _request = request;
    private TimeSpan _waited; // for people
    private ToolCalls? _calls;

    public ToolSet Tools => tools;

    /// <summary>From where on, and whom to ask then, for who takes over what has ended a step; null for who begins.</summary>
    public (GenerationSnapshot Said, Route Route)? From { get; set; }

    /// <summary>A step has ended, and the next has not begun.</summary>
    public bool IsBetween { get; private set; }

    /// <summary>What the steps that have ended used together.</summary>
    public Usage? Usage { get; private set; }

    /// <summary>About how many tokens the next step's request has.</summary>
    public long InputEstimate { get; private set; }

    /// <summary>Why the answer ends, where that is not for the model to say.</summary>
    public FinishReason? Reason { get; private set; }

    /// <summary>People are waited for, and nothing else: nothing is lost when somebody goes on with it later.</summary>
    public bool Waits => _calls?.Waits is true;

    /// <summary>Calls that the client has decided on are to be made before the model is asked.</summary>
    public bool Begins { get; private set; } = request.Decided.Count > 0;

    /// <summary>The conversation is told in another way, from the first step on.</summary>
    public void Change(GenerationRequest changed) => _request = changed;

    /// <summary>Somebody before had got as far as a step, which begins anew.</summary>
    /// <param name="steps">The log, where steps have ended.</param>
    /// <param name="input">About how many tokens the step's request has.</param>
    public void TakeOver(GenerationSnapshot? steps, long input) => (Usage, InputEstimate, Begins) = (steps?.StepUsage, input, Begins && steps is null);

    /// <summary>Makes the calls that the client has decided on: in the log they are a step that has ended, made by nobody.</summary>
    /// <param name="target">Whom to ask then.</param>
    /// <param name="stop">The answer is stopped.</param>
    /// <inheritdoc cref="NextAsync"/>
    public async Task<Attempts?> BeginAsync(Target target, CancellationToken stop)
    {
        (Usage, IsBetween) = (UsageEstimate.None, true);
        recorder.Begin(asAsked: false);
        recorder.Add(new GenerationEvent { Kind = EventKind.Started, Model = target.Name });
        foreach (var call in _request.Decided)
        {
            var block = recorder.NextBlock;
            recorder.Add(new GenerationEvent { Kind = EventKind.BlockStart, Block = block, BlockKind = BlockKind.ServerToolCall, Id = call.Id, Name = call.Name, Server = call.Server });
            if (call.Arguments.Length > 0) recorder.Add(new GenerationEvent { Kind = EventKind.Delta, Block = block, Text = JsonText.ToJson(call.Arguments).AsSpan()[1..^1] });
            recorder.Add(new GenerationEvent { Kind = EventKind.BlockStop, Block = block });
        }

        recorder.Add(new GenerationEvent { Kind = EventKind.Step, Step = 1, Usage = Usage });
        for (var i = 0; i < _request.Decided.Count; i++)
        {
            var (call, block) = (_request.Decided[i], recorder.NextBlock - _request.Decided.Count + i);
            recorder.Add(new GenerationEvent { Kind = EventKind.Approval, Block = block, Id = call.Id, Name = call.Name, Approval = call.IsApproved ? ApprovalState.Approved : ApprovalState.Denied, StopReason = call.Reason });
        }

        await recorder.StoreAsync(); // as one: who takes this over goes on from here
        return await GoOnAsync(await recorder.SnapshotAsync(log), new Route(target), stop);
    }

    /// <summary>The model has ended a step.</summary>
    /// <param name="reason">Why.</param>
    /// <param name="usage">What it used.</param>
    /// <param name="target">Who answered, and is asked again.</param>
    /// <param name="stop">The answer is stopped.</param>
    /// <returns>What to ask next; null when the whole answer has ended.</returns>
    /// <exception cref="RequestException">Nobody can be asked.</exception>
    public async Task<Attempts?> NextAsync(FinishReason reason, Usage usage, Target target, CancellationToken stop)
    {
        if (reason is FinishReason.Length or FinishReason.ContentFilter || !recorder.CallsServer) return null;
        (Usage, IsBetween) = (Usage is { } before ? UsageEstimate.Sum(before, usage) : usage, true);
        recorder.CloseBlocks();
        await recorder.StoreAsync();
        var said = await recorder.SnapshotAsync(log);
        var step = new GenerationEvent { Kind = EventKind.Step, Step = said.Steps + 1, Usage = Usage };
        recorder.Add(step);
        said.Add(step, said.Offset + 1);
        await recorder.StoreAsync();
        return await GoOnAsync(said, new Route(target), stop);
    }

    /// <summary>Goes on after a step that had ended when this server took the generation over.</summary>
    /// <inheritdoc cref="NextAsync"/>
    public Task<Attempts?> ResumeAsync(CancellationToken stop)
    {
        var (said, route) = From ?? throw new InvalidOperationException("There is nothing to go on from.");
        (Usage, IsBetween) = (said.StepUsage, true);
        return GoOnAsync(said, route, stop);
    }

    private async Task<Attempts?> GoOnAsync(GenerationSnapshot said, Route route, CancellationToken stop)
    {
        _calls = new ToolCalls(generation, said, tools, recorder, settings, time, logger);
        var pending = ToolSteps.Pending(said);
        if (LimitOf(said) is { } limit)
        {
            ToolLog.Limit(logger, generation, limit);
            foreach (var call in pending) _calls.Fail(call, $"The tool was not run: the answer has come to the limit of its {limit}.");
            await recorder.StoreAsync();
            Reason = FinishReason.Length;
            return null;
        }

        await _calls.RunAsync(pending, stop);
        _waited += _calls.Waited;
        if (ToolSteps.CallsClient(said) || ToolSteps.Pending(said).Count > 0)
        {
            Reason = FinishReason.ToolCalls; // it is the client's turn
            return null;
        }

        // What the steps said takes the place of more of what was said before.
        var next = HistoryWindow.Fit(_request with { Added = ToolSteps.Messages(said) });
        if (next.Trimmed is { } trimmed && trimmed.Messages != said.Trimmed?.Messages)
        {
            recorder.Add(new GenerationEvent { Kind = EventKind.Trimmed, Trimmed = trimmed });
            await recorder.StoreAsync();
        }

        var attempts = new Attempts(next, route, settings.Retry);
        (InputEstimate, IsBetween) = (UsageEstimate.Input(next), false);
        recorder.BeginStep();
        return attempts;
    }

    private string? LimitOf(GenerationSnapshot said)
    {
        var options = settings.Options;
        if (said.Steps >= options.MaxSteps) return "steps";
        if (time.GetElapsedTime(_began) - _waited > options.MaxTime) return "time";
        return options.MaxTokens > 0 && Usage?.InputTokens + Usage?.OutputTokens >= options.MaxTokens ? "tokens" : null;
    }
}
