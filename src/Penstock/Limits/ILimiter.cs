using Penstock.Protocols;

namespace Penstock.Limits;

/// <summary>
/// Counts what accounts use, and lets in what their limits allow. A generation's tokens and money are reserved before it runs,
/// move over to what was used as it speaks, and what it did not need comes back at its end: so many that run at once cannot
/// pass together what one could not.
/// </summary>
/// <remarks>
/// The law, held by every implementation (one compliance suite states it): what is used and what is reserved is never together
/// above a limit at the moment of a reservation; a reservation is taken on all accounts of its payer or on none. Requests and
/// tokens count for a minute, and a second at most beyond; money until the day or the month is over.
/// </remarks>
internal interface ILimiter
{
    /// <summary>How long what is reserved is kept for a process that falls silent; null where it goes with the process.</summary>
    TimeSpan? Lease => null;

    /// <summary>Takes all that a request needs, or nothing.</summary>
    ValueTask<Admission> ReserveAsync(Payer payer, Reservation reservation);

    /// <summary>Counts what an answer has used by now, asks for more to be reserved, and keeps the reservation for another <see cref="Lease"/>.</summary>
    ValueTask<Grant> UseAsync(Payer payer, TokenUse use);

    /// <summary>Keeps what is reserved for so much longer, where it is still there; nobody runs it yet who would.</summary>
    ValueTask KeepAsync(Payer payer, string id, TimeSpan lease) => default;

    /// <summary>Counts what a generation has used in all, and gives back what is left of its reservation; or takes that back.</summary>
    ValueTask SettleAsync(Payer payer, Settlement settlement);
}

/// <summary>What a request needs.</summary>
internal sealed record Reservation
{
    /// <summary>The generation; null for a request that opens none, and is only counted.</summary>
    public string? Id { get; init; }

    /// <summary>The tokens without which it is not worth beginning.</summary>
    public long Tokens { get; init; }

    /// <summary>What those cost, in the units of <see cref="Limits.Money"/>.</summary>
    public long Money { get; init; }

    /// <summary>How many more are reserved where there is room.</summary>
    public long More { get; init; }

    /// <summary>What one of those costs.</summary>
    public long TokenMoney { get; init; }
}

/// <summary>What an answer has used by now.</summary>
/// <param name="Id">The generation.</param>
/// <param name="Counted">The tokens that were counted before.</param>
/// <param name="Used">The tokens by now.</param>
/// <param name="More">How many more to reserve, at most.</param>
/// <param name="TokenMoney">What one of those costs.</param>
internal readonly record struct TokenUse(string Id, long Counted, long Used, long More, long TokenMoney);

/// <summary>What a generation has used in all.</summary>
/// <param name="Id">The generation.</param>
/// <param name="Counted">The tokens that were counted before.</param>
/// <param name="Used">The tokens in all.</param>
/// <param name="Money">What they cost.</param>
/// <param name="WasRefused">It never was one: its request does not count either.</param>
/// <param name="TakesBack">It was counted just so, and somebody else has the generation, who reserves and counts.</param>
internal readonly record struct Settlement(string Id, long Counted, long Used, long Money, bool WasRefused = false, bool TakesBack = false);

/// <summary>Which limit it is.</summary>
internal enum LimitKind : byte
{
    None,
    Requests,
    Streams,
    Tokens,
    DayBudget,
    MonthBudget,
}

/// <summary>How much more was reserved.</summary>
/// <param name="Tokens">For so many tokens.</param>
/// <param name="By">The limit that allowed no more, if it was fewer than asked for.</param>
internal readonly record struct Grant(long Tokens, LimitKind By);

/// <summary>Whether a request is let in.</summary>
/// <param name="Refused">The limit that does not allow it, or none.</param>
/// <param name="Account">Which of the payer's accounts it is.</param>
/// <param name="RetryAfter">When it may be allowed.</param>
/// <param name="Left">What is left after it.</param>
/// <param name="More">How many of the further tokens were reserved.</param>
internal sealed record Admission(LimitKind Refused, int Account, TimeSpan RetryAfter, RateLimits Left, long More = 0)
{
    public bool IsAllowed => Refused == LimitKind.None;
}
