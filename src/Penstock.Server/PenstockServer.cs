using Microsoft.Extensions.Configuration.Memory;
using Penstock.AspNetCore;
using Penstock.AspNetCore.Configuration;
using Penstock.AspNetCore.Replies;
using Penstock.Server.Docs;
using Penstock.Server.Playground;

namespace Penstock.Server;

/// <summary>Composes the server from its parts.</summary>
internal static class PenstockServer
{
    private const string DefaultAddress = "http://localhost:8000";

    // Beneath everything that the user sets. Requests are the subject of metrics, not of a log line each.
    private static readonly Dictionary<string, string?> _defaults = new(StringComparer.Ordinal)
    {
        ["Logging:LogLevel:Default"] = "Information",
        ["Logging:LogLevel:Microsoft.AspNetCore"] = "Warning",
        ["Logging:LogLevel:Microsoft.AspNetCore.Hosting.Diagnostics"] = "None", // spares each open stream a log scope
        ["Logging:LogLevel:Microsoft.Extensions.Hosting.Internal.Host"] = "None", // why it did not start, with its stack: Serving says it in a sentence
    };

    public static WebApplication Build(WebApplicationBuilder builder)
    {
        builder.Configuration.Sources.Insert(0, new MemoryConfigurationSource { InitialData = _defaults });
        if (!SaysAddress(builder.Configuration)) builder.WebHost.UseUrls(DefaultAddress);
        builder.WebHost.UseKestrelHttpsConfiguration(); // the slim builder leaves it out
        builder.WebHost.ConfigureKestrel((_, kestrel) =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = null; // Penstock:Limits:MaxBodyBytes rules, with an error in the protocol's shape
        });
        builder.Services.AddRedisStorage(builder.Configuration);
        builder.Services.AddRabbitMqJobs(builder.Configuration);
        builder.Services.AddMcpTools(builder.Configuration);
        builder.Services.AddPenstock(builder.Configuration);
        builder.Services.AddPenstockTransport();
        if (OpenTelemetryExport.IsAsked(builder.Configuration)) builder.Services.AddHostedService<OpenTelemetryExport>();
        builder.Services.Configure<RouteOptions>(routing => routing.SuppressCheckForUnhandledSecurityMetadata = true); // no endpoint has any: the gate asks
        builder.Services.AddOptions<HostOptions>().Configure<PenstockOptions>((host, penstock) =>
            host.ShutdownTimeout = penstock.Generations.ShutdownTimeout + TimeSpan.FromSeconds(10));

        var app = builder.Build();
        var cors = app.Services.GetRequiredService<PenstockOptions>().Cors;
        if (cors.Origins.Count > 0) app.UseCors(policy => Cors(policy, cors));
        app.Use(SecurityHeaders);
        app.Use(new PlainRoutes(app).Use);
        app.UseRouting();
        app.MapPenstock();
        app.MapDocs();
        if (app.Services.GetRequiredService<PenstockOptions>().Queue.TakesRequests) Playground(app);
        return app;
    }

    private static void Playground(WebApplication app)
    {
        app.MapPlayground(typeof(PenstockServer).Assembly);
        app.MapDevelopmentNode();
    }

    private static bool SaysAddress(IConfiguration configuration) =>
        configuration["urls"] is not null || configuration["http_ports"] is not null || configuration["https_ports"] is not null
        || configuration.GetSection("Kestrel:Endpoints").Exists();

    // Not async, and nothing is made for a request: it would live as long as its stream.
    private static RequestDelegate SecurityHeaders(RequestDelegate next) => context =>
    {
        var (path, headers) = (context.Request.Path, context.Response.Headers);
        headers.XContentTypeOptions = "nosniff";
        if (path == "/" || path.StartsWithSegments("/docs", StringComparison.OrdinalIgnoreCase))
        {
            headers.ContentSecurityPolicy = "frame-ancestors 'none'";
            headers["Referrer-Policy"] = "no-referrer";
        }
        else if (!path.StartsWithSegments("/v1/stream", StringComparison.Ordinal))
        {
            headers.CacheControl = "no-store"; // unless the endpoint knows better
        }

        return next(context);
    };

    private static void Cors(Microsoft.AspNetCore.Cors.Infrastructure.CorsPolicyBuilder policy, CorsOptions options)
    {
        policy.AllowAnyHeader().AllowAnyMethod().WithExposedHeaders([.. ExposedHeaders.All]);
        if (options.Origins.Contains("*")) policy.AllowAnyOrigin();
        else policy.WithOrigins([.. options.Origins]);
    }
}
