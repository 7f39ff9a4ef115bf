using Penstock.AspNetCore.Auth;
using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Auth;

/// <summary>A key that the configuration of a test's server holds.</summary>
internal sealed record TestKey(string Id, string Text, (string Key, string Value)[] Settings)
{
    public static TestKey For(string owner, params (string Key, string Value)[] more)
    {
        var (id, text) = ApiKey.New();
        (string, string) Setting(string key, string value) => ($"Auth:Keys:{id}:{key}", value);
        return new TestKey(id, text, [Setting("Hash", Convert.ToHexString(ApiKey.Hash(text))), Setting("Owner", owner), .. more.Select(m => Setting(m.Key, m.Value))]);
    }
}

internal static class TestKeys
{
    public static Task<PenstockHost> StartAsync(params TestKey[] keys) => StartAsync("memory", keys);

    public static Task<PenstockHost> StartAsync(string storage, params TestKey[] keys) =>
        PenstockHost.StartAsync(Tokens.ByPrompt(), storage, [.. keys.SelectMany(k => k.Settings)]);

    public static RawRequest By(this RawRequest request, TestKey key) => request.With("Authorization", $"Bearer {key.Text}");

    /// <summary>The status, the headers that matter and the body of a reply.</summary>
    public static async Task<string> TextAsync(this RawRequest request)
    {
        if (request.Method == "HEAD") request = request.With("Connection", "close"); // no body comes, whatever its length is said to be
        using var reply = await RawReply.SendAsync(request).WaitAsync(Eventually.Limit);
        var headers = string.Concat(reply.Headers.Where(h => h.Key is not ("Date" or "Transfer-Encoding" or "request-id")).OrderBy(h => h.Key, StringComparer.Ordinal).Select(h => $"{h.Key}: {h.Value}\n"));
        return $"{reply.Status}\n{headers}\n{await reply.TextAsync()}";
    }
}
