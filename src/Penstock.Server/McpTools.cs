using Microsoft.Extensions.Options;
using Penstock.AspNetCore.Configuration;
using Penstock.Generations.Tools;
using Penstock.Mcp;

namespace Penstock.Server;

/// <summary>Offers models the tools of the MCP servers that <c>Penstock:Mcp:Servers</c> names.</summary>
internal static class McpTools
{
    private const string Section = $"{PenstockOptions.Section}:Mcp:Servers";

    public static void AddMcpTools(this IServiceCollection services, IConfiguration configuration)
    {
        var labels = configuration.GetSection(Section).GetChildren().Select(c => c.Key).ToList();
        if (labels.Count == 0) return;
        services.AddOptions<McpToolsOptions>().Configure(options => configuration.GetSection(Section).Bind(options.Servers)).ValidateOnStart();
        services.AddSingleton<IValidateOptions<McpToolsOptions>, Validator>();
        foreach (var label in labels) services.AddSingleton<IToolSource>(provider => NewSource(provider, label));
        services.AddHostedService<Starter>();
    }

    private static McpToolSource NewSource(IServiceProvider services, string label) => new(
        label, services.GetRequiredService<IOptions<McpToolsOptions>>().Value.Servers[label],
        services.GetRequiredService<TimeProvider>(), services.GetRequiredService<ILogger<McpToolSource>>());

    private sealed class McpToolsOptions
    {
        public Dictionary<string, McpServerOptions> Servers { get; } = new(StringComparer.OrdinalIgnoreCase);
    }

    private sealed class Validator : IValidateOptions<McpToolsOptions>
    {
        public ValidateOptionsResult Validate(string? name, McpToolsOptions options)
        {
            var errors = new List<string>();
            foreach (var (label, server) in options.Servers)
            {
                if (label.Length > 64 || !label.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-')) errors.Add($"{Section}:{label} is no label: use at most 64 letters, digits, '_' and '-'.");
                errors.AddRange(server.Check($"{Section}:{label}"));
            }

            return errors.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(errors);
        }
    }

    /// <summary>Connects beside the start, so that the first request waits for nobody.</summary>
    private sealed class Starter(IEnumerable<IToolSource> sources, PenstockOptions options) : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken)
        {
            if (options.Queue is { Kind: "rabbitmq", Role: "gateway" }) return Task.CompletedTask; // it runs none
            foreach (var source in sources) _ = Task.Run(() => ConnectAsync(source), CancellationToken.None);
            return Task.CompletedTask;
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        private static async Task ConnectAsync(IToolSource source)
        {
            try
            {
                await source.ListAsync();
            }
            catch (ToolException)
            {
                // It is said in the log, and tried again when it is needed.
            }
        }
    }
}
