using System.Diagnostics;
using System.Globalization;
using Penstock.Client;
using Penstock.Transport;

namespace Penstock.Server.Commands.Doctor;

/// <summary>Whether answers come as they are given: something before the server may hold them back.</summary>
internal static class ProxyCheck
{
    private const double TokensASecond = 20;
    private const int Fewest = 20;
    private const int Enough = 5;
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(30);

    /// <param name="address">The server, as its clients see it.</param>
    /// <param name="client">Asks it.</param>
    /// <param name="isMeant">Whether somebody named it.</param>
    /// <param name="report">What was found.</param>
    public static async Task RunAsync(Uri address, PenstockClient client, bool isMeant, Report report)
    {
        using var owned = client;
        using var limit = new CancellationTokenSource(_limit);
        if (!await AnswersAsync(address, limit.Token))
        {
            if (isMeant) await report.BadAsync($"No server answers at {address}.", "Start it, or name another as --server.");
            else await report.NoteAsync($"No server answers at {address}; name one as --server to check what stands before it.");
            return;
        }

        try
        {
            for (var tokens = Fewest; ; tokens *= 2)
            {
                if (await MeasureAsync(client, tokens, limit.Token) is not var (live, over)) continue; // we came late
                var given = (live - 1) / TokensASecond;
                if (over < given * 0.3 && tokens == Fewest) continue; // a machine that was busy looks the same: once more, for longer
                if (over < given * 0.3) await report.BadAsync($"Something before {address} holds answers back: {live} tokens that were given over {given:0.0} seconds came within {over:0.00}.", "In nginx: proxy_buffering off; gzip off for text/event-stream. In a CDN: switch buffering and compression off for /v1 and /chat.");
                else await report.GoodAsync($"Answers flow from {address}: {live} tokens came over {over:0.0} seconds.");
                return;
            }
        }
        catch (PenstockException e)
        {
            var mend = e.Status is 401 or 403 ? "Show a key that may ask the simulated model: PENSTOCK_KEY, or --key." : $"{e.Code}: docs/http.md says what it means.";
            await report.BadAsync($"The server at {address} refuses to answer: {e.Message}", mend);
        }
        catch (OperationCanceledException)
        {
            await report.BadAsync($"The answer of {address} did not come within {_limit.TotalSeconds:0} seconds.", "Something before it holds answers back, or the server is overloaded.");
        }
    }

    /// <returns>How many tokens came as they were given, and over how many seconds; null when they were too few to tell.</returns>
    private static async Task<(int Live, double Seconds)?> MeasureAsync(PenstockClient client, int tokens, CancellationToken cancellationToken)
    {
        var run = await client.StartAsync("Is anything held back?", string.Create(CultureInfo.InvariantCulture, $"simulated/chat?tokens={tokens}&tps={TokensASecond}&ttft=0"), cancellationToken);
        var (live, first, last) = (0, 0L, 0L);
        await foreach (var next in run.WithCancellation(cancellationToken))
        {
            // What was there before we asked comes at once by right.
            if (next is not BlockDelta || next.IsReplay) continue;
            last = Stopwatch.GetTimestamp();
            if (live++ == 0) first = last;
        }

        return live < Enough ? null : (live, Stopwatch.GetElapsedTime(first, last).TotalSeconds);
    }

    private static async Task<bool> AnswersAsync(Uri address, CancellationToken cancellationToken)
    {
        using var http = new HttpClient { BaseAddress = address };
        try
        {
            using var reply = await http.GetAsync("healthz", cancellationToken);
            return reply.IsSuccessStatusCode;
        }
        catch (Exception e) when (NetworkFailure.Is(e) || e is OperationCanceledException)
        {
            return false;
        }
    }
}
