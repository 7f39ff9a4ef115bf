using Microsoft.Extensions.Configuration;
using Penstock.AspNetCore.Configuration;
using Penstock.Testing;

namespace Penstock.Server.Tests.Deploy;

/// <summary>The repository's <c>deploy/</c>, as a test looks at it.</summary>
internal static class DeployFolder
{
    public static string Path(string name) => System.IO.Path.Combine(Repository.Root, "deploy", name);

    public static string Text(string name) => File.ReadAllText(Path(name));

    /// <summary>
    /// The options that an environment sets, and a failure where it names a key that there is not. What is not Penstock's own must
    /// be among the variables that a server reads.
    /// </summary>
    public static PenstockOptions Bind(IEnumerable<KeyValuePair<string, string>> environment)
    {
        string[] known =
        [
            "REDIS_HOST", "REDIS_PORT", "RABBITMQ_USER", "RABBITMQ_PASS", "OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "GROQ_API_KEY",
            "ASPNETCORE_HTTP_PORTS", "Logging__Console__FormatterName",
        ];
        var all = environment.ToList();
        all.Select(e => e.Key).Where(name => !name.StartsWith("Penstock__", StringComparison.Ordinal)).Except(known).ShouldBeEmpty();
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(all.Select(e => KeyValuePair.Create(e.Key.Replace("__", ":", StringComparison.Ordinal), (string?)e.Value)))
            .Build();
        var options = new PenstockOptions();
        configuration.GetSection(PenstockOptions.Section).Bind(options, binder => binder.ErrorOnUnknownConfiguration = true);
        return options;
    }

    /// <summary>How long a server takes at most to end after SIGTERM.</summary>
    public static TimeSpan LongestShutdown(PenstockOptions options) => options.Generations.ShutdownTimeout + TimeSpan.FromSeconds(10);
}
