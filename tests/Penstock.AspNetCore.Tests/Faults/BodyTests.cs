using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Faults;

public sealed class BodyTests
{
    private const int Body = 64 * 1024 * 1024;

    [Fact]
    public async Task Who_says_that_much_will_come_and_sends_nothing_holds_no_memory_for_it()
    {
        await using var host = await PenstockHost.StartAsync(settings: [("Limits:MaxBodyBytes", $"{Body}")]);
        var request = new RawRequest(host.Api.Url("v1/chat/completions"), "POST").With("Content-Type", "application/json").With("Content-Length", $"{Body}").With("Expect", "100-continue");
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var replies = new List<RawReply>();
        try
        {
            for (var i = 0; i < 20; i++)
            {
                replies.Add(await RawReply.SendAsync(request).WaitAsync(Eventually.Limit));
                replies[^1].Status.ShouldBe(100); // it reads
            }

            (GC.GetTotalMemory(forceFullCollection: true) - before).ShouldBeLessThan(10L * Body); // beside other tests
        }
        finally
        {
            foreach (var reply in replies) reply.Dispose();
        }
    }
}
