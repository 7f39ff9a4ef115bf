using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Penstock.AspNetCore.Configuration;
using Penstock.AspNetCore.Endpoints;
using Penstock.AspNetCore.Endpoints.DurableStreams;
using Penstock.AspNetCore.Replies;
using Penstock.Protocols;

namespace Penstock.AspNetCore;

public static class PenstockEndpointRouteBuilderExtensions
{
    /// <summary>Maps Penstock's endpoints; on a node that is a worker only, <c>/healthz</c> and <c>/readyz</c>.</summary>
    /// <exception cref="InvalidOperationException"><c>AddPenstock</c> was not called.</exception>
    public static IEndpointRouteBuilder MapPenstock(this IEndpointRouteBuilder routes)
    {
        var services = routes.ServiceProvider;
        if (services.GetService<GenerationEndpoint>() is null)
            throw new InvalidOperationException("MapPenstock needs AddPenstock: call builder.Services.AddPenstock(builder.Configuration) before building the app.");

        services.GetRequiredService<HealthEndpoints>().Map(routes);
        if (services.GetRequiredService<PenstockOptions>().Queue.TakesRequests) MapRequests(routes, services);
        routes.MapFallback("{*path}", static context => ErrorReply.WriteAsync(context, ClientProtocols.Native, new RequestException("There is nothing at this address. /docs lists what there is.")
        {
            Status = StatusCodes.Status404NotFound,
            Code = "not_found",
        }));
        return routes;
    }

    private static void MapRequests(IEndpointRouteBuilder routes, IServiceProvider services)
    {
        services.GetRequiredService<ChatCompletionsEndpoints>().Map(routes);
        services.GetRequiredService<MessagesEndpoints>().Map(routes);
        services.GetRequiredService<GeminiEndpoints>().Map(routes);
        services.GetRequiredService<ResponsesEndpoints>().Map(routes);
        services.GetRequiredService<NativeEndpoints>().Map(routes);
        services.GetRequiredService<TextEndpoints>().Map(routes);
        services.GetRequiredService<ModelsEndpoints>().Map(routes);
        services.GetRequiredService<DurableStreamsEndpoints>().Map(routes);

        // Groq and Azure have OpenAI's addresses below this one, and Groq's SDK always asks there.
        var compatible = routes.MapGroup("/openai").ExcludeFromDescription();
        services.GetRequiredService<ChatCompletionsEndpoints>().Map(compatible);
        services.GetRequiredService<ResponsesEndpoints>().Map(compatible);
        services.GetRequiredService<ModelsEndpoints>().Map(compatible);
    }
}
