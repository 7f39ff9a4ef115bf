namespace Penstock.Testing;

/// <summary>Tokens that tell their own place, so that a lost, repeated or swapped one shows.</summary>
public static class Tokens
{
    private static readonly string[] _spice = ["", " 好", "\n", "\"q\\", " 😀", "  two", "\r\n", "é", "\n\n", "\u2028"];

    /// <summary>The tokens of one answer, the same for the same seed: with line ends, quotes and characters of up to four bytes.</summary>
    public static IReadOnlyList<string> Of(string seed, int count) =>
        [.. Enumerable.Range(0, count).Select(i => $" {seed}.{i}{_spice[i % _spice.Length]}")];

    /// <summary>Plays an answer, a token each <paramref name="pace"/>, ending with usage and <c>[DONE]</c>; as one document where that is asked for.</summary>
    public static UpstreamScript Script(IReadOnlyList<string> tokens, TimeSpan pace = default) => async call =>
    {
        if (!call.Streams)
        {
            await call.Json(200, Chat.Whole(string.Concat(tokens), 7, tokens.Count));
            return;
        }

        await call.Sse(Chat.Role());
        using var timer = pace > TimeSpan.Zero ? new PeriodicTimer(pace) : null;
        foreach (var token in tokens)
        {
            if (timer is not null) await timer.WaitForNextTickAsync();
            await call.Sse(Chat.Text(token));
        }

        await call.Sse([Chat.Finish(), Chat.Usage(7, tokens.Count)]);
        await call.Done();
    };

    /// <summary>A script for any number of answers: to the prompt <c>NAME-COUNT</c> it plays <see cref="OfPrompt"/>.</summary>
    public static UpstreamScript ByPrompt(TimeSpan pace = default) => call => Script(OfPrompt(call.Prompt), pace)(call);

    /// <summary>The tokens that <see cref="ByPrompt"/> plays.</summary>
    public static IReadOnlyList<string> OfPrompt(string prompt)
    {
        var dash = prompt.LastIndexOf('-');
        return Of(prompt[..dash], int.Parse(prompt[(dash + 1)..]));
    }
}
