using System.IO.Enumeration;
using Microsoft.AspNetCore.Http;
using Penstock.Generations;
using Penstock.Jobs;
using Penstock.Limits;
using Penstock.Protocols;

namespace Penstock.AspNetCore.Auth;

/// <summary>Who sent a request, and what they may.</summary>
/// <param name="Owner">To whom what they start belongs, and whose they see.</param>
internal sealed record Caller(Owner Owner)
{
    /// <summary>Whoever calls a server without authentication.</summary>
    public static readonly Caller Anybody = new(new Owner(Name: null));

    /// <summary>The models that they may ask for, with <c>*</c> for anything; empty for all.</summary>
    public IReadOnlyList<string> Models { get; init; } = [];

    /// <summary>The endpoints that they may use (<see cref="Surface"/>); empty for all.</summary>
    public IReadOnlyList<string> Endpoints { get; init; } = [];

    /// <summary>Which of their jobs are taken first where they wait.</summary>
    public JobPriority Priority { get; init; } = JobPriority.Normal;

    /// <summary>The key that they showed, or null.</summary>
    public string? KeyId { get; init; }

    /// <summary>How much their key may use, where it says something of its own.</summary>
    public LimitSettings Limits { get; init; } = LimitSettings.None;

    /// <summary>How old an answer to the same request may be that serves them, where their key says so; zero for none.</summary>
    public TimeSpan? CacheFor { get; init; }

    /// <summary>When what they showed ends, or null.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>The caller of a request that came through the <see cref="Gate"/>.</summary>
    public static Caller Of(HttpContext context) =>
        context.Features.Get<Caller>() ?? throw new InvalidOperationException($"{context.Request.Path} is not behind the gate: nobody has looked who asks.");

    /// <summary>Whether it is an operator, or whoever calls a server that tells nobody apart.</summary>
    public bool IsOperator => Owner is not { Name: not null, SeesAll: false };

    /// <summary>Lets an operator pass, and whoever calls a server that tells nobody apart.</summary>
    /// <exception cref="RequestException">403: it is somebody else.</exception>
    public void CheckOperator()
    {
        if (!IsOperator)
            throw new RequestException("This is about everybody's, so it is for operators: send a key that was made with --admin.") { Status = 403, Code = "operators_only" };
    }

    public bool MayUse(Surface surface) => Endpoints.Count == 0 || surface.IsForAll || Endpoints.Contains(surface.Name, StringComparer.Ordinal);

    /// <param name="model">An alias or <c>provider/model</c>, in its one spelling.</param>
    public bool MayAsk(string model) => Models.Count == 0 || Models.Any(glob => FileSystemName.MatchesSimpleExpression(glob, model, ignoreCase: false));
}
