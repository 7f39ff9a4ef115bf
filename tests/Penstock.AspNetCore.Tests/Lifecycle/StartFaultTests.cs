using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Penstock.AspNetCore.Tests.Auth;
using Penstock.Streams;
using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Lifecycle;

/// <summary>A generation whose start fails halfway: nobody runs it, so nothing of it may be left that somebody waits for.</summary>
public sealed class StartFaultTests
{
    [Theory]
    [InlineData("keys/", false)]
    [InlineData("cache/", false)]
    [InlineData("keys/", true)]
    public async Task What_the_store_refuses_after_the_stream_was_created_leaves_no_stream_without_an_ending(string refused, bool away)
    {
        await using var store = new InterposedStore();
        await using var upstream = ScriptedUpstream.Start(Tokens.ByPrompt());
        await using var host = await PenstockHost.StartAsync(upstream, services => services.AddSingleton<IStreamLog>(store), ("Generations:OnCrash", "restart"));
        var request = host.Api.Chat("up/m", "a-2", stream: false).With(refused == "keys/" ? "Idempotency-Key" : "Penstock-Cache", refused == "keys/" ? "key-1" : "60");
        var isAway = away;
        var seen = new ConcurrentQueue<string>();
        store.Before = (operation, path) =>
        {
            if (operation == nameof(IStreamLog.CreateSharedAsync) && path.StartsWith(refused, StringComparison.Ordinal)) throw away ? new StreamUnreachableException("away") : new StreamStorageException("full");
            if (operation == nameof(IStreamLog.CreateAsync)) seen.Enqueue(path);
            if (operation == nameof(IStreamLog.DeleteAsync) && isAway) throw new StreamUnreachableException("away");
            return Task.CompletedTask;
        };
        (await request.TextAsync()).ShouldStartWith(away ? "503" : "507");
        isAway = false;
        seen.ShouldHaveSingleItem();
        async Task<bool> IsCleanAsync()
        {
            var paths = new List<string>();
            await foreach (var info in store.ListAsync()) paths.Add(info.Path);
            return !paths.Any(p => p.StartsWith("generations/", StringComparison.Ordinal) || p.StartsWith("requests/", StringComparison.Ordinal));
        }

        if (away) await Eventually.Is(IsCleanAsync, "what was begun is taken back once the store answers");
        else (await IsCleanAsync()).ShouldBeTrue();

        store.Before = static (_, _) => Task.CompletedTask;
        (await request.TextAsync()).ShouldStartWith("200");
        upstream.Calls.Count.ShouldBe(1);
    }
}
