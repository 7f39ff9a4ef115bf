using System.Collections.Frozen;

namespace Penstock.Server;

/// <summary>
/// Finds the endpoint of an address by the address itself where that has no parameters, or one that takes all that follows, as a
/// stream's path does, and runs it. The router, which is general, takes 16 µs of the way to the first token when its code has left the
/// processor's caches, as it has between two requests, and what stands between it and an endpoint 10 more. What is not found here it finds.
/// </summary>
internal sealed class PlainRoutes(IEndpointRouteBuilder routes)
{
    private readonly Lazy<Table> _table = new(() => Read(routes));

    public RequestDelegate Use(RequestDelegate next) => context => Find(context) is { RequestDelegate: { } handle } ? handle(context) : next(context);

    /// <summary>The endpoint, noted with the request as the router would; null where that is to look.</summary>
    public Endpoint? Find(HttpContext context)
    {
        var (request, table) = (context.Request, _table.Value);
        var (path, asked) = (request.Path.Value ?? "", request.Method);
        if (table.Plain.TryGetValue(path, out var endpoints))
        {
            foreach (var (method, endpoint) in endpoints)
            {
                if (asked == method) context.SetEndpoint(endpoint);
            }
        }
        else
        {
            foreach (var below in table.Below)
            {
                if (asked == below.Method && below.TryRest(path, out var rest))
                {
                    request.RouteValues = new RouteValueDictionary { { below.Parameter, rest } };
                    context.SetEndpoint(below.Endpoint);
                    break;
                }
            }
        }

        return context.GetEndpoint();
    }

    private static Table Read(IEndpointRouteBuilder routes)
    {
        var all = (
            from endpoint in routes.DataSources.SelectMany(s => s.Endpoints).OfType<RouteEndpoint>()
            from method in endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? []
            select (Path: "/" + endpoint.RoutePattern.RawText!.Trim('/'), Method: method, Endpoint: endpoint)).ToList();
        var plain =
            from route in all
            where route.Endpoint.RoutePattern.Parameters.Count == 0
            group (route.Method, (Endpoint)route.Endpoint) by route.Path;
        var below =
            from route in all
            where route.Endpoint.RoutePattern.Parameters is [{ IsCatchAll: true, ParameterPolicies.Count: 0 }]
            let prefix = route.Path[..route.Path.IndexOf('{', StringComparison.Ordinal)]
            where prefix.Length > 1
            let others = all.Select(r => r.Path).Where(p => p.StartsWith(prefix, StringComparison.Ordinal) && p != route.Path).Select(p => p[..(p.IndexOf('/', prefix.Length) is > 0 and var end ? end : p.Length)])
            select new Below(prefix, route.Endpoint.RoutePattern.Parameters[0].Name, route.Method, route.Endpoint, [.. others.Distinct()]);
        return new Table(plain.ToFrozenDictionary(g => g.Key, g => g.ToArray(), StringComparer.Ordinal), [.. below]);
    }

    private sealed record Table(FrozenDictionary<string, (string Method, Endpoint Endpoint)[]> Plain, Below[] Below);

    /// <summary>An endpoint that has all addresses below one, but for those where others are.</summary>
    private sealed record Below(string Prefix, string Parameter, string Method, Endpoint Endpoint, string[] Others)
    {
        public bool TryRest(string path, out string rest)
        {
            rest = "";
            // What the router reads in a way of its own it reads.
            if (path.Length == Prefix.Length || path[^1] == '/' || !path.StartsWith(Prefix, StringComparison.Ordinal) || path.Contains("//", StringComparison.Ordinal)) return false;
            foreach (var other in Others)
            {
                if (path.StartsWith(other, StringComparison.OrdinalIgnoreCase)) return false;
            }

            rest = path[Prefix.Length..];
            return true;
        }
    }
}
