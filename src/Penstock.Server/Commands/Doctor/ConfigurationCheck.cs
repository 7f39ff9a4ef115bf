using Microsoft.Extensions.Options;
using Penstock.AspNetCore;
using Penstock.AspNetCore.Configuration;

namespace Penstock.Server.Commands.Doctor;

/// <summary>Whether the server would start with this configuration.</summary>
internal static class ConfigurationCheck
{
    /// <returns>The options, or null when they are wrong.</returns>
    public static async Task<PenstockOptions?> RunAsync(IConfiguration configuration, Report report)
    {
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddRedisStorage(configuration);
        services.AddPenstock(configuration);
        await using var provider = services.BuildServiceProvider();
        try
        {
            var options = provider.GetRequiredService<IOptions<PenstockOptions>>().Value; // opens nothing yet
            await report.GoodAsync($"The configuration is sound; the default model is {options.DefaultModel}.");
            return options;
        }
        catch (OptionsValidationException e)
        {
            foreach (var failure in e.Failures) await report.BadAsync("The configuration is wrong.", failure);
            return null;
        }
        catch (InvalidOperationException e)
        {
            await report.BadAsync("The configuration cannot be read.", e.Message);
            return null;
        }
    }
}
