using Microsoft.Extensions.Logging;
using Penstock.Limits;
using Penstock.Protocols;
using Penstock.Telemetry;

namespace Penstock.Generations;

/// <summary>Lets requests in as far as their payers' limits allow, and counts what becomes of them.</summary>
internal sealed class GenerationLimits(ILimiter limiter, LimitOptions options, TimeProvider time, ILogger<GenerationLimits> logger)
{
    // Tokens for which an answer is worth beginning.
    private const long Fewest = 16;

    // As long as a job may wait for a worker.
    private static readonly TimeSpan _waiting = TimeSpan.FromHours(1);

    /// <summary>Reserves what a generation may need.</summary>
    /// <param name="id">The generation.</param>
    /// <param name="payer">Who asks for it.</param>
    /// <param name="request">What they ask.</param>
    /// <param name="model">The one name of the model.</param>
    /// <param name="targets">Who may answer.</param>
    /// <exception cref="RequestException">A limit does not allow it; nothing was reserved.</exception>
    public async ValueTask<Admitted> AdmitAsync(string id, Payer payer, GenerationRequest request, string model, IEnumerable<string> targets)
    {
        var input = UsageEstimate.Input(request);
        var output = Math.Min((request.Settings.MaxOutputTokens?.Value ?? options.ReservedTokens) * request.Choices, payer.TokensPerStream ?? long.MaxValue);
        var isSaid = request.Settings.MaxOutputTokens is not null;
        if (payer.TokensPerMinute is { } perMinute)
        {
            if (input >= perMinute) throw LimitRefusal.TooLarge(input, perMinute);
            if (output > perMinute - input) (output, isSaid) = (perMinute - input, false); // no minute has room for it
        }

        var (inputMoney, tokenMoney) = (0L, 0L);
        if (payer.HasBudget)
        {
            var price = HighestPrice(model, targets);
            (inputMoney, tokenMoney) = (price.AtMost(input, 0), price.AtMost(0, 1));
        }

        // An answer whose length nobody has said may begin with less than it is given where there is more, and get more as it goes.
        var least = isSaid ? output : Math.Min(output, Fewest);
        var admission = await limiter.ReserveAsync(payer, new Reservation
        {
            Id = id,
            Tokens = input + least,
            Money = Money.Sum(inputMoney + ((decimal)least * tokenMoney)),
            More = output - least,
            TokenMoney = tokenMoney,
        });
        var left = Check(payer, admission);
        return new Admitted(new LimitTerms(payer, model, input, least + admission.More, tokenMoney), left);
    }

    /// <summary>Counts a request that starts no generation.</summary>
    /// <exception cref="RequestException">There have been too many.</exception>
    public async ValueTask<RateLimits> CountAsync(Payer payer) => Check(payer, await limiter.ReserveAsync(payer, new Reservation()));

    /// <summary>A generation is on a queue, where it may wait for long. Until then its reservation lapses soon: who made it may have died.</summary>
    public async Task KeepAsync(string id, LimitTerms? terms)
    {
        if (terms is null) return;
        try
        {
            await limiter.KeepAsync(terms.Payer, id, _waiting);
        }
        catch (Exception e) when (e is Streams.StreamException or ObjectDisposedException)
        {
            LimitLog.NotCounted(logger, id, e);
        }
    }

    /// <summary>Watches over a generation that begins to run.</summary>
    public GenerationMeter? NewMeter(string id, LimitTerms? terms) => terms is null ? null : new GenerationMeter(id, terms, this, limiter, time, logger);

    /// <summary>Watches over a generation that somebody else has run before.</summary>
    /// <param name="id">The generation.</param>
    /// <param name="terms">Its terms, if it has any.</param>
    /// <param name="since">When it was begun.</param>
    /// <param name="anew">Whether its answer begins anew, and what was said is no part of it.</param>
    public GenerationMeter? MeterOn(string id, LimitTerms? terms, DateTimeOffset since, bool anew) =>
        terms is null ? null : new GenerationMeter(id, terms, this, limiter, time, logger) { Since = since, IsAnew = anew };

    /// <summary>Forgets a generation that came to nothing before it was one.</summary>
    public Task CancelAsync(string id, LimitTerms? terms) =>
        terms is null ? Task.CompletedTask : SettleAsync(terms.Payer, new Settlement(id, Counted: 0, Used: 0, Money: 0, WasRefused: true));

    /// <summary>Counts a generation that is ended by another than who ran it.</summary>
    /// <param name="id">The generation.</param>
    /// <param name="terms">Its terms, if it has any.</param>
    /// <param name="answered">Who answered.</param>
    /// <param name="usage">What it used, or null for nothing.</param>
    public Task SettleAsync(string id, LimitTerms? terms, string answered, Usage? usage) =>
        terms is null ? Task.CompletedTask : SettleAsync(terms.Payer, new Settlement(id, Counted: 0, TokensOf(terms, usage), MoneyOf(terms, answered, usage)));

    /// <summary>Counts a generation that has ended; what goes wrong is logged.</summary>
    /// <returns>Whether it was.</returns>
    public async Task<bool> SettleAsync(Payer payer, Settlement settlement)
    {
        try
        {
            await limiter.SettleAsync(payer, settlement);
            return true;
        }
        catch (Exception e) when (e is Streams.StreamException or ObjectDisposedException)
        {
            LimitLog.NotCounted(logger, settlement.Id, e);
            return false;
        }
    }

    /// <summary>What usage comes to, where the input may be known only by its estimate.</summary>
    public static long TokensOf(LimitTerms terms, Usage? usage) => usage is null ? 0 : (usage.InputTokens ?? terms.InputTokens) + (usage.OutputTokens ?? 0);

    public long MoneyOf(LimitTerms terms, string answered, Usage? usage) =>
        usage is null || !terms.Payer.HasBudget ? 0 : options.PriceOf(terms.Model, answered)?.Of(usage.InputTokens is null ? usage with { InputTokens = terms.InputTokens } : usage) ?? 0;

    private ModelPrice HighestPrice(string model, IEnumerable<string> targets)
    {
        ModelPrice? highest = null;
        foreach (var target in targets)
        {
            var price = options.PriceOf(model, target) ?? throw LimitRefusal.NoPrice(model);
            if (highest is null || price.AtMost(1, 1) > highest.AtMost(1, 1)) highest = price;
        }

        return highest!;
    }

    private RateLimits Check(Payer payer, Admission admission)
    {
        if (admission.IsAllowed) return admission.Left;
        var account = payer.Accounts[admission.Account];
        PenstockMeter.CountLimit(LimitRefusal.NameOf(admission.Refused), account.Kind);
        LimitLog.Refused(logger, account.Name, admission.Refused);
        throw LimitRefusal.Of(admission, account);
    }
}
