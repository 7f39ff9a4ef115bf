using System.Net;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Penstock.AspNetCore.Configuration;

namespace Penstock.AspNetCore.Auth;

/// <summary>
/// Keeps a server from starting that listens beyond loopback and asks nobody who they are, unless that is meant. It looks at
/// what the server listens on in fact, whichever setting says so; in the moment before, the <see cref="Gate"/> lets nobody in.
/// </summary>
internal sealed class ExposureCheck(IServiceProvider services, Authenticator authenticator, PenstockOptions options, ILogger<ExposureCheck> logger) : IHostedLifecycleService
{
    public Task StartedAsync(CancellationToken cancellationToken)
    {
        if (options.Auth.Open) AuthLog.Open(logger);
        if (options.Auth.Open || authenticator.IsRequired) return Task.CompletedTask;
        var addresses = services.GetService<IServer>()?.Features.Get<IServerAddressesFeature>()?.Addresses ?? [];
        if (addresses.FirstOrDefault(address => !IsLoopback(address)) is not { } open) return Task.CompletedTask;
        throw new OptionsValidationException(PenstockOptions.Section, typeof(PenstockOptions),
        [
            $"The server would listen on {open}, beyond loopback, and nothing says who may call it. Make a key (penstock keys create), or set "
            + "Penstock:Auth:Keys or Penstock:Auth:Jwt, or listen on http://localhost:8000. If whoever reaches it may use it, set Penstock:Auth:Open to true.",
        ]);
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private static bool IsLoopback(string address)
    {
        var binding = BindingAddress.Parse(address);
        return binding.IsUnixPipe || binding.IsNamedPipe || binding.Host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
            || (IPAddress.TryParse(binding.Host.Trim('[', ']'), out var ip) && IPAddress.IsLoopback(ip));
    }
}
