using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Http;
using Penstock.AspNetCore.Configuration;
using Penstock.Generations;
using Penstock.Limits;

namespace Penstock.AspNetCore.Auth;

/// <summary>Which limits a caller has: those of the key, and those of its owner.</summary>
internal sealed class CallerLimits(PenstockOptions options, GenerationLimits limits)
{
    private readonly LimitsOptions _options = options.Limits;
    private readonly ConditionalWeakTable<Caller, Payer> _payers = []; // the same for all that a key asks

    /// <summary>On whom a caller's requests are counted; null where there are no limits.</summary>
    public Payer? PayerOf(Caller caller)
    {
        if (!_payers.TryGetValue(caller, out var payer) && NewPayer(caller) is { } made) payer = _payers.GetOrAdd(caller, made);
        return payer;
    }

    /// <summary>Counts a request that starts no generation.</summary>
    public Task CountAsync(HttpContext context, Caller caller)
    {
        if (PayerOf(caller) is not { } payer || !payer.Accounts.Any(a => a.Limits.RequestsPerMinute > 0) || IsWatcher(context.Request)) return Task.CompletedTask;
        return limits.CountAsync(payer).AsTask();
    }

    private Payer? NewPayer(Caller caller)
    {
        var owner = _options.PerOwner;
        if (caller.Owner.Name is { } name && _options.Owners.TryGetValue(name, out var own)) owner = own.Over(owner);
        var key = caller.KeyId is null ? LimitSettings.None : caller.Limits.Over(_options.PerKey);
        if (!owner.Limits && !key.Limits) return null;
        var accounts = new List<Account>(2);
        if (key.Limits) accounts.Add(new Account($"key:{caller.KeyId}", key));
        if (owner.Limits) accounts.Add(new Account($"owner:{caller.Owner.Name}", owner)); // nobody in particular is one owner
        return new Payer(caller.Owner.Name, accounts);
    }

    // Whoever follows a generation has asked for it, and paid.
    private static bool IsWatcher(HttpRequest request) =>
        HttpMethods.IsGet(request.Method) && request.RouteValues["path"] is string path && path.StartsWith(Endpoints.DurableStreams.StreamAddress.Generations, StringComparison.Ordinal);
}
