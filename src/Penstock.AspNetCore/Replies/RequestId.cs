using Microsoft.AspNetCore.Http;

namespace Penstock.AspNetCore.Replies;

/// <summary>
/// The <c>request-id</c> of a reply, which Messages' SDKs show with errors: <c>req_</c> and the digits of the generation,
/// where there is one, so that the errors inside its stream name the same.
/// </summary>
internal static class RequestId
{
    private const string Header = "request-id";

    private static readonly object _key = new();

    /// <summary>Gives the request an id; its reply will have it, whatever becomes of it.</summary>
    public static void Give(HttpContext context)
    {
        context.Items[_key] = $"req_{Guid.NewGuid():N}";
        context.Response.OnStarting(static state =>
        {
            var context = (HttpContext)state;
            var generation = context.Response.Headers[StreamHeaders.Generation].ToString();
            context.Response.Headers[Header] = generation.Length == 0 ? Of(context) : $"req_{generation[(generation.IndexOf('_', StringComparison.Ordinal) + 1)..]}";
            return Task.CompletedTask;
        }, context);
    }

    /// <summary>The id that the request was given, or null.</summary>
    public static string? Of(HttpContext context) => context.Items.TryGetValue(_key, out var id) ? (string?)id : null;
}
