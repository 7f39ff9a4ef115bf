using Penstock.Protocols;

namespace Penstock.Providers;

/// <summary>
/// Who is asked for one generation, and who next when that fails before it has said anything. It keeps the request until the
/// first output, and no longer: an image weighs megabytes.
/// </summary>
internal sealed class Attempts
{
    private readonly RetryOptions _options;
    private readonly IReadOnlyList<Target> _targets;
    private GenerationRequest? _request;
    private ProviderRequest? _current;
    private int _place;
    private int _retries;

    /// <exception cref="RequestException">No target can be told what the request says, or all are resting after failures.</exception>
    public Attempts(GenerationRequest request, Route route, RetryOptions options)
    {
        _options = options;
        _request = request;
        _targets = route.Draw();
        RequestException? refused = null;
        for (; _place < _targets.Count && _current is null; _place++) _current = TryPrepare(ref refused);
        _place--;
        if (_current is null) throw refused ?? Resting();
    }

    /// <summary>Which attempt this is, from 1.</summary>
    public int Number { get; private set; } = 1;

    /// <summary>What to ask now.</summary>
    public ProviderRequest Current => _current ?? throw new InvalidOperationException("The request was let go of.");

    /// <summary>The provider has begun to say something: what it was asked is needed no more.</summary>
    public void Release()
    {
        if (_current is null) return;
        _current.Target.Health?.Succeeded();
        _request = null;
        _current = null;
    }

    /// <summary>The call ended for reasons that are not the target's.</summary>
    public void Abandon()
    {
        _current?.Target.Health?.Abandoned();
        _request = null;
        _current = null;
    }

    /// <summary>Moves on after a failure.</summary>
    /// <param name="error">What went wrong.</param>
    /// <param name="pause">How long to wait before asking again.</param>
    /// <returns>False when nobody is left, or asking again is no use.</returns>
    public bool MoveOn(GenerationError error, out TimeSpan pause)
    {
        pause = TimeSpan.Zero;
        if (_request is null) return false;
        var kind = FailureKinds.Of(error);
        if (kind == FailureKind.Request)
        {
            Abandon();
            return false;
        }

        _current!.Target.Health?.Failed();
        Number++;
        if (kind == FailureKind.Transient && _retries < _options.MaxRetries && Pause(error.RetryAfter) is { } wait && Current.Target.Health?.TryEnter() != false)
        {
            _retries++;
            pause = wait;
            return true;
        }

        _current = null;
        _retries = 0;
        RequestException? refused = null;
        while (_current is null && ++_place < _targets.Count) _current = TryPrepare(ref refused);
        if (_current is null) _request = null;
        return _current is not null;
    }

    private ProviderRequest? TryPrepare(ref RequestException? refused)
    {
        var target = _targets[_place];
        if (target.Health?.TryEnter() == false) return null;
        try
        {
            return ProviderRequest.From(_request!, target);
        }
        catch (RequestException e)
        {
            target.Health?.Abandoned();
            refused ??= e;
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
