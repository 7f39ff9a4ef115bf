using Penstock.Providers.Simulated;

namespace Penstock.Tests.Providers.Simulated;

public sealed class SimulatedOfferTests
{
    [Fact]
    public void Every_name_that_is_offered_is_taken()
    {
        SimulatedModel.Offered.Count.ShouldBeGreaterThan(10);
        foreach (var name in SimulatedModel.Offered) Should.NotThrow(() => SimulatedModel.Parse(name), name);
    }
}
