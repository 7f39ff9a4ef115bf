using Microsoft.AspNetCore.Http;
using Penstock.Protocols;

namespace Penstock.AspNetCore.Endpoints;

/// <summary>A wish in a request's query that is <c>true</c> or <c>false</c>.</summary>
internal static class QueryFlag
{
    /// <exception cref="RequestException">It is something else.</exception>
    public static bool Read(HttpRequest request, string name) => request.Query[name].ToString() switch
    {
        "" or "false" => false,
        "true" => true,
        var other => throw new RequestException($"{name} is '{other}'; it must be true or false.") { Param = name },
    };
}
