using Microsoft.Extensions.Logging;
using Penstock.Limits;
using Penstock.Protocols;
using Penstock.Telemetry;

namespace Penstock.Generations;

/// <summary>
/// Keeps one generation within its limits. What it says is counted where it is recorded anyhow; only once a step of tokens is
/// it looked at here, told to the limiter, and more reserved where the reservation runs out.
/// </summary>
internal sealed class GenerationMeter(string id, LimitTerms terms, GenerationLimits limits, ILimiter limiter, TimeProvider time, ILogger logger) : IDisposable
{
    private const long Step = 256;
    private const long LongestTimer = 4_000_000; // seconds, which nobody waits for
    private const long BytesPerToken = TokenEstimate.BytesPerToken;

    private readonly Lock _lock = new();
    private readonly long _most = terms.Payer.TokensPerStream ?? long.MaxValue;
    private long _granted = terms.OutputTokens;
    private long _before; // what was said before the answer began anew, in bytes
    private long _output; // tokens, when it was looked last
    private long _next; // tokens at which it is told next
    private long _counted;
    private long _checkAt; // bytes
    private string? _over;
    private string _asked = terms.Model;
    private bool _asking;
    private bool _settled;
    private Settlement _settlement;
    private Task<bool>? _counting;
    private Action<string>? _stop;
    private ITimer? _timeLimit;
    private ITimer? _renewal;

    /// <summary>When another began it; null for nobody.</summary>
    public DateTimeOffset? Since { private get; init; }

    /// <summary>Whether the answer begins anew, so that what was said before is no part of it.</summary>
    public bool IsAnew { private get; init; }

    /// <summary>How much output there may be until <see cref="Check"/> has to look, in bytes.</summary>
    public long CheckAt => Volatile.Read(ref _checkAt);

    /// <summary>The generation begins to run.</summary>
    /// <param name="outputBytes">What the log has of it already.</param>
    /// <param name="stop">Ends it.</param>
    public void Begin(long outputBytes, Action<string> stop)
    {
        _stop = stop;
        _before = IsAnew ? outputBytes : 0;
        _output = (outputBytes - _before) / BytesPerToken;
        _granted = Math.Max(_granted, _output); // or it would not have been said
        _counted = outputBytes == 0 ? 0 : Used;
        _next = _output + Math.Min(Step, (_granted - _output) * 3 / 4);
        SetCheck(outputBytes - 1);
        if (terms.Payer.SecondsPerStream is { } seconds)
        {
            var left = TimeSpan.FromSeconds(Math.Min(seconds, LongestTimer)) - (time.GetUtcNow() - Since ?? TimeSpan.Zero);
            _timeLimit = time.CreateTimer(static meter => ((GenerationMeter)meter!).StopLate(StopReasons.TimeLimit), this, left > TimeSpan.Zero ? left : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        }

        if (limiter.Lease is { } lease)
            _renewal = time.CreateTimer(static meter => ((GenerationMeter)meter!).Renew(), this, lease / 3, lease / 3);
        if (_output >= _most) StopLate(StopReasons.TokenLimit);
    }

    /// <summary>A provider is asked, whose price counts from now on.</summary>
    public void Asks(string target) => _asked = target;

    /// <summary>Looks whether there may be more output.</summary>
    /// <param name="outputBytes">How much there is.</param>
    /// <exception cref="LimitReachedException">There may not.</exception>
    public void Check(long outputBytes)
    {
        lock (_lock)
        {
            _output = (outputBytes - _before) / BytesPerToken;
            if (_output >= _most) _over = StopReasons.TokenLimit;
            else if (_over is null && !_asking && _output >= Math.Min(_next, _granted)) Tell();
            if (_over is null)
            {
                SetCheck(outputBytes);
                return;
            }
        }

        LimitLog.Cut(logger, id, _over);
        PenstockMeter.CountLimit(_over, "stream");
        throw new LimitReachedException(_over);
    }

    /// <summary>Counts what the generation has used in all; once.</summary>
    public void Settle(Usage? usage)
    {
        lock (_lock)
        {
            if (_settled) return;
            _settled = true;
            _settlement = new Settlement(id, _counted, GenerationLimits.TokensOf(terms, usage), limits.MoneyOf(terms, _asked, usage));
            // Not awaited: the limiter is told before the store is told of the ending, so whoever sees that finds room.
            _counting = limits.SettleAsync(terms.Payer, _settlement);
        }
    }

    /// <summary>The ending became none: somebody else has taken the generation over, and counts it.</summary>
    public async Task TakeBackAsync()
    {
        if (_counting is not null && await _counting) await limits.SettleAsync(terms.Payer, _settlement with { TakesBack = true });
    }

    /// <summary>The ending was stored only now, since the store was away, which may have kept the limiter from counting too.</summary>
    public async Task SettleAgainAsync()
    {
        if (_counting is not null && !await _counting) await limits.SettleAsync(terms.Payer, _settlement);
    }

    /// <summary>From now on somebody else has the generation, or nobody.</summary>
    public void Dispose()
    {
        _timeLimit?.Dispose();
        _renewal?.Dispose();
        lock (_lock)
        {
            // Where nothing lapses by itself, one whose stream went away under it would hold what it had for ever.
            if (!_settled && limiter.Lease is null) _ = limits.SettleAsync(terms.Payer, new Settlement(id, _counted, _counted, Money: 0));
            _settled = true;
        }
    }

    private long Used => terms.InputTokens + (_before / BytesPerToken) + _output;

    private void Tell()
    {
        var used = Used;
        var more = _granted - _output < Step ? Math.Min(Step, _most - _granted) : 0;
        var telling = limiter.UseAsync(terms.Payer, new TokenUse(id, _counted, used, more, terms.TokenMoney));
        if (telling.IsCompletedSuccessfully)
        {
            Take(telling.Result, used, more);
            return;
        }

        _asking = true;
        _ = TakeAsync(telling, used, more);
    }

    private async Task TakeAsync(ValueTask<Grant> telling, long used, long more)
    {
        Grant grant;
        try
        {
            grant = await telling;
        }
        catch (Exception e) when (e is Streams.StreamException or ObjectDisposedException)
        {
            LimitLog.NotCounted(logger, id, e);
            (grant, used) = (new Grant(more, LimitKind.None), _counted); // what cannot be asked is allowed, and counted later
        }

        string? over;
        lock (_lock)
        {
            _asking = false;
            Take(grant, used, more);
            over = _settled ? null : _over;
            SetCheck(0);
        }

        if (over is not null) StopLate(over); // nothing more may come at which it would be looked
    }

    private void Take(Grant grant, long used, long more)
    {
        _counted = used;
        _granted += grant.Tokens;
        _next = _output + Step;
        if (more > 0 && _output >= _granted) _over = grant.By == LimitKind.Tokens ? StopReasons.TokenLimit : StopReasons.BudgetLimit;
    }

    private void SetCheck(long outputBytes)
    {
        var tokens = _asking ? _output + (Step / 8) : Math.Min(_most, Math.Min(_next, _granted));
        var bytes = tokens > long.MaxValue / 8 ? long.MaxValue : _before + (tokens * BytesPerToken);
        Volatile.Write(ref _checkAt, _over is not null ? 0 : Math.Max(outputBytes + 1, bytes));
    }

    private void Renew()
    {
        lock (_lock)
        {
            if (_settled || _asking) return;
            _asking = true;
            _ = TakeAsync(limiter.UseAsync(terms.Payer, new TokenUse(id, _counted, _counted, 0, 0)), _counted, 0);
        }
    }

    private void StopLate(string reason)
    {
        LimitLog.Cut(logger, id, reason);
        PenstockMeter.CountLimit(reason, "stream");
        _stop?.Invoke(reason);
    }
}

/// <summary>A limit allows no more of an answer.</summary>
internal sealed class LimitReachedException(string reason) : Exception($"The answer met a limit: {reason}.")
{
    public string Reason { get; } = reason;
}
