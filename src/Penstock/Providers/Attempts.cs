using Penstock.Protocols;
using Penstock.Protocols.History;

namespace Penstock.Providers;

/// <summary>
/// Who is asked for one generation, and who next when that fails. It keeps the request until the first output, and no longer,
/// unless an answer that breaks off is gone on with: an image weighs megabytes.
/// </summary>
internal sealed class Attempts
{
    private readonly RetryOptions _options;
    private readonly bool _goesOn;
    private readonly TimeSpan? _hedgeAfter;
    private IReadOnlyList<Target> _targets;
    private GenerationRequest? _request;
    private ProviderRequest? _current;
    private (ProviderRequest Asked, int Place)? _beside;
    private RequestException? _refused;
    private int _place = -1;
    private int _retries;
    private bool _hedged;

    /// <exception cref="RequestException">No target can be told what the request says, or all are resting after failures.</exception>
    public Attempts(GenerationRequest request, Route route, RetryOptions options)
    {
        _options = options;
        _goesOn = route.GoesOn ?? options.AfterOutput == "continue";
        _hedgeAfter = route.HedgeAfter;
        _request = HistoryWindow.Fit(request);
        Trimmed = _request.Trimmed;
        _targets = route.Draw();
        if (!Next()) throw _refused ?? Resting();
    }

    /// <summary>What of the conversation nobody is sent, since it is too long; null for nothing.</summary>
    public HistoryTrim? Trimmed { get; private set; }

    /// <summary>What is asked, until it is let go of.</summary>
    public GenerationRequest Request => _request ?? throw new InvalidOperationException("The request was let go of.");

    /// <summary>Which attempt was begun last, from 1.</summary>
    public int Number { get; private set; } = 1;

    /// <summary>What to ask now.</summary>
    public ProviderRequest Current => _current ?? throw new InvalidOperationException("The request was let go of.");

    /// <summary>How long to wait for the current target before <see cref="Hedge"/>; null for no end.</summary>
    public TimeSpan? HedgeAfter
    {
        get
        {
            if (_hedged || _hedgeAfter is not { } least || _place + 1 >= _targets.Count) return null;
            return _current?.Target.Health?.UsualDelay is { } usual && usual > least ? usual : least;
        }
    }

    /// <summary>The conversation is told in another way, before anybody was asked.</summary>
    public void Change(GenerationRequest request)
    {
        (_request, Trimmed) = (request, request.Trimmed);
        _current = ProviderRequest.From(request, Current.Target);
    }

    /// <summary>The provider has begun to say something: what it was asked is needed no more, unless it may have to be said again.</summary>
    /// <param name="delay">How long it took to begin.</param>
    public void Release(TimeSpan delay)
    {
        if (_current is null) return;
        _current.Target.Succeeded(delay);
        _current = null;
        DropBeside(error: null);
        if (!_goesOn) _request = null;
    }

    /// <summary>The call ended for reasons that are not the target's.</summary>
    public void Abandon()
    {
        _current?.Target.Abandoned();
        DropBeside(error: null);
        _request = null;
        _current = null;
    }

    /// <summary>Moves on after a failure before any output.</summary>
    /// <param name="error">What went wrong.</param>
    /// <param name="pause">How long to wait before asking again.</param>
    /// <returns>False when nobody is left, or asking again is no use.</returns>
    public bool MoveOn(GenerationError error, out TimeSpan pause)
    {
        pause = TimeSpan.Zero;
        if (_request is null) return false;
        var kind = FailureKinds.Of(error);
        if (IsRequests(error))
        {
            Abandon();
            return false;
        }

        _current!.Target.Failed();
        Number++;
        if (kind == FailureKind.Transient && _retries < _options.MaxRetries && Pause(error.RetryAfter) is { } wait && Current.Target.Health?.TryEnter() != false)
        {
            _retries++;
            pause = wait;
            return true;
        }

        return Next();
    }

    /// <summary>Whether an answer that broke off may be gone on with: each target is asked so often in all as it is before the first output.</summary>
    public bool MayGoOn(GenerationError error) =>
        _request is not null && FailureKinds.Of(error) != FailureKind.Request && Number < _targets.Count * (1 + _options.MaxRetries);

    /// <summary>Turns to the next target, and at last to the same one again, to go on with an answer that broke off.</summary>
    /// <param name="said">The text so far.</param>
    /// <param name="pause">How long to wait before asking.</param>
    /// <returns>False when nobody is left who can go on with it.</returns>
    public bool GoOn(string said, out TimeSpan pause)
    {
        var failed = _targets[_place];
        failed.Failed();
        _request = _request! with { Prefix = said.Length > 0 ? said : null };
        _targets = [.. _targets.Skip(_place + 1), .. _targets.Take(_place + 1)];
        _place = -1;
        Number++;
        pause = TimeSpan.Zero;
        if (!Next()) return false;
        if (_current!.Target == failed) pause = Pause(asked: null) ?? TimeSpan.Zero;
        return true;
    }

    /// <summary>The next target's request, to be asked beside the current one, which is slow; null when there is none.</summary>
    public ProviderRequest? Hedge()
    {
        _hedged = true;
        for (var place = _place + 1; place < _targets.Count; place++)
        {
            if (TryPrepare(place) is not { } asked) continue;
            _beside = (asked, place);
            Number++;
            return asked;
        }

        return null;
    }

    /// <summary>Whom <see cref="Hedge"/> gave was faster, and is the current target from now on.</summary>
    /// <param name="delay">How long the other had had.</param>
    public void TurnToBeside(TimeSpan delay)
    {
        _current!.Target.Outrun(delay);
        TurnToBeside();
    }

    /// <summary>The current target has failed, and whom <see cref="Hedge"/> gave is it from now on.</summary>
    public void TurnToBeside(GenerationError error)
    {
        Blame(_current!.Target, error);
        TurnToBeside();
    }

    /// <summary>Whom <see cref="Hedge"/> gave is asked no more.</summary>
    /// <param name="error">Why, if it has failed.</param>
    public void DropBeside(GenerationError? error)
    {
        if (_beside is not { } beside) return;
        Blame(beside.Asked.Target, error);
        _beside = null;
    }

    private void TurnToBeside()
    {
        if (_beside is not { } beside) return;
        (_current, _place, _retries, _beside) = (beside.Asked, beside.Place, 0, null);
    }

    private void Blame(Target target, GenerationError? error)
    {
        if (error is null || IsRequests(error)) target.Abandoned();
        else target.Failed();
    }

    // The request is at fault; with a prefix it is not what the client sent.
    private bool IsRequests(GenerationError error) => FailureKinds.Of(error) == FailureKind.Request && _request?.Prefix is null;

    private bool Next()
    {
        _current = null;
        _retries = 0;
        while (_current is null && ++_place < _targets.Count) _current = TryPrepare(_place);
        if (_current is null) _request = null;
        return _current is not null;
    }

    private ProviderRequest? TryPrepare(int place)
    {
        var target = _targets[place];
        if (_request!.Prefix is not null && !target.Provider.ContinuesPrefix) return null;
        if (target.Health?.TryEnter() == false) return null;
        try
        {
            return ProviderRequest.From(_request, target);
        }
        catch (RequestException e)
        {
            target.Abandoned();
            _refused ??= e;
            return null;
        }
    }

    // Full jitter: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    private TimeSpan? Pause(TimeSpan? asked)
    {
        if (asked is { } wait) return wait <= _options.MaxDelay ? wait : null;
        var longest = Math.Min(_options.MaxDelay.TotalSeconds, _options.BaseDelay.TotalSeconds * Math.Pow(2, _retries));
        return TimeSpan.FromSeconds(longest * Random.Shared.NextDouble());
    }

    private static RequestException Resting() => new("All providers of this model have been failing and are being given a rest. Try again shortly.")
    {
        Status = 503,
        Code = "provider_unavailable",
        RetryAfter = TimeSpan.FromSeconds(5),
    };
}
