namespace Penstock.Server.Tests.Clients;

/// <summary>The npm package in web/client.</summary>
public sealed class WebClientTests
{
    [Fact]
    public Task Its_suite_passes_whole() => WebSuite.PassesAsync("client", least: 50, TimeSpan.FromMinutes(5));
}
