using Penstock.Limits;
using Penstock.Protocols;

namespace Penstock.Generations;

/// <summary>What a client is told whom a limit does not let in.</summary>
internal static class LimitRefusal
{
    public static RequestException Of(Admission admission, Account account)
    {
        var limits = account.Limits;
        var whose = account.Kind == "key" ? "This key" : "You";
        var message = admission.Refused switch
        {
            LimitKind.Requests => $"{whose} may send {limits.RequestsPerMinute} requests a minute, and they are used up. Try again in {Seconds(admission.RetryAfter)}.",
            LimitKind.Tokens => $"{whose} may use {limits.TokensPerMinute} tokens a minute, and what is left of them, without what other answers may still need, is too few for this request. Try again in {Seconds(admission.RetryAfter)}.",
            LimitKind.Streams => $"{whose} may have {limits.Streams} answers running at once, and so many are. Try again when one has ended.",
            LimitKind.DayBudget => $"{whose} may spend {limits.BudgetPerDay} a day, and what is left of it is too little for this request. It begins anew at midnight UTC.",
            _ => $"{whose} may spend {limits.BudgetPerMonth} a month, and what is left of it is too little for this request. It begins anew on the first, UTC.",
        };
        return new RequestException(message)
        {
            Status = IsBudget(admission.Refused) ? 402 : 429,
            Code = IsBudget(admission.Refused) ? "insufficient_quota" : "rate_limit_exceeded",
            RetryAfter = admission.RetryAfter,
            RateLimits = admission.Left,
        };
    }

    public static RequestException TooLarge(long tokens, long limit) =>
        new($"This request has about {tokens} tokens, and you may use {limit} a minute for requests and answers together. Send less.") { Status = 429, Code = "rate_limit_exceeded", IsFinal = true };

    public static RequestException NoPrice(string model) =>
        new($"You have a budget, and the model '{model}' has no price here, so it cannot be kept. Ask another model; the operator sets Penstock:Limits:Prices.") { Status = 403, Param = "model", Code = "model_without_price" };

    /// <summary>What measurements call a limit.</summary>
    public static string NameOf(LimitKind limit) => limit switch
    {
        LimitKind.Requests => "requests",
        LimitKind.Streams => "streams",
        LimitKind.Tokens => "tokens",
        LimitKind.DayBudget => "day_budget",
        _ => "month_budget",
    };

    private static bool IsBudget(LimitKind limit) => limit is LimitKind.DayBudget or LimitKind.MonthBudget;

    private static string Seconds(TimeSpan time) => Math.Ceiling(time.TotalSeconds) is var seconds and > 1 ? $"{seconds} seconds" : "a second";
}
