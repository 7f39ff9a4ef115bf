using System.Text.Json.Serialization;
using Penstock.Limits;
using Penstock.Protocols;

namespace Penstock.Generations;

/// <summary>Within which limits a generation runs, as its stream is labelled with it, for whoever runs or ends it.</summary>
/// <param name="Payer">On whom it is counted.</param>
/// <param name="Model">The alias, or <c>provider/model</c>, that was asked for.</param>
/// <param name="InputTokens">About how many tokens the request has.</param>
/// <param name="OutputTokens">How many tokens are reserved for the answer.</param>
/// <param name="TokenMoney">What one of them costs at most, in the units of <see cref="Money"/>.</param>
[JsonConverter(typeof(LimitTermsJson))]
internal sealed record LimitTerms(Payer Payer, string Model, long InputTokens, long OutputTokens, long TokenMoney);

/// <summary>A generation was let in.</summary>
/// <param name="Terms">Its terms.</param>
/// <param name="Left">What its payer has left.</param>
internal sealed record Admitted(LimitTerms Terms, RateLimits Left);
