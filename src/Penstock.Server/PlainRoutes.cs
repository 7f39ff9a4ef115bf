using System.Collections.Frozen;

namespace Penstock.Server;

/// <summary>
/// Finds the endpoint of an address without parameters by the address itself. The router, which is general, takes 16 µs of the way to
/// the first token when its code has left the processor's caches, as it has between two requests. What is not found here it finds.
/// </summary>
internal sealed class PlainRoutes(IEndpointRouteBuilder routes)
{
    private readonly Lazy<FrozenDictionary<string, List<(string Method, Endpoint Endpoint)>>> _endpoints = new(() => Read(routes));

    public RequestDelegate Use(RequestDelegate next) => context =>
    {
        if (_endpoints.Value.TryGetValue(context.Request.Path.Value ?? "", out var endpoints))
        {
            foreach (var (method, endpoint) in endpoints)
            {
                if (context.Request.Method == method) context.SetEndpoint(endpoint);
            }
        }

        return next(context);
    };

    private static FrozenDictionary<string, List<(string, Endpoint)>> Read(IEndpointRouteBuilder routes) => (
        from endpoint in routes.DataSources.SelectMany(s => s.Endpoints).OfType<RouteEndpoint>()
        where endpoint.RoutePattern.Parameters.Count == 0
        from method in endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? []
        group (method, (Endpoint)endpoint) by "/" + endpoint.RoutePattern.RawText!.Trim('/'))
        .ToFrozenDictionary(g => g.Key, g => g.ToList(), StringComparer.Ordinal);
}
