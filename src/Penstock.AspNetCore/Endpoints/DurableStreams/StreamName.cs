using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Penstock.AspNetCore.Auth;
using Penstock.Generations;
using Penstock.Streams;

namespace Penstock.AspNetCore.Endpoints.DurableStreams;

/// <summary>
/// A stream as a client names it: a path, and whose it is. Each owner's paths are apart, so that one path of two owners is two
/// streams, and nobody can ask for another's.
/// </summary>
internal readonly struct StreamName(string path, Owner owner)
{
    private const string OwnedPrefix = "owned/";
    private const int NamespaceBytes = 16; // as many as no two owners share

    public string Path { get; } = path;

    public Owner Owner { get; } = owner;

    /// <summary>Where it is in the log.</summary>
    public string LogPath { get; } = StreamAddress.IsGeneration(path) ? path : PrefixOf(owner.Name) + path;

    /// <summary>What the log's paths of an owner's streams begin with.</summary>
    public static string PrefixOf(string? owner) =>
        owner is null ? StreamAddress.LogPrefix : $"{OwnedPrefix}{Base64Url.EncodeToString(SHA256.HashData(Encoding.UTF8.GetBytes(owner)).AsSpan(0, NamespaceBytes))}/";

    /// <summary>Whose streams a request is about: the caller's own, or for an operator those of <c>?owner=</c>.</summary>
    public static Owner OwnerOf(HttpContext context)
    {
        var owner = Caller.Of(context).Owner;
        return owner.SeesAll && context.Request.Query.TryGetValue("owner", out var name) ? owner with { Name = name.ToString() is { Length: > 0 } text ? text : null } : owner;
    }

    /// <summary>The stream, or null where its owner has none.</summary>
    public ValueTask<StreamInfo?> FindAsync(IStreamLog log) => StreamAddress.IsGeneration(Path) ? FindGenerationAsync(log) : log.GetAsync(LogPath);

    private async ValueTask<StreamInfo?> FindGenerationAsync(IStreamLog log) => await log.GetAsync(LogPath) is { } info && Owner.Sees(info) ? info : null;

    /// <summary>The path of a stream of the log as a client names it; null for one that is not this owner's.</summary>
    public static string? PathOf(StreamInfo info, Owner owner)
    {
        if (StreamAddress.IsGeneration(info.Path)) return owner.Sees(info) ? info.Path : null;
        var prefix = PrefixOf(owner.Name);
        if (info.Path.StartsWith(prefix, StringComparison.Ordinal)) return info.Path[prefix.Length..];
        if (!owner.SeesAll) return null;
        return info.Path.StartsWith(StreamAddress.LogPrefix, StringComparison.Ordinal) ? info.Path[StreamAddress.LogPrefix.Length..]
            : info.Path.StartsWith(OwnedPrefix, StringComparison.Ordinal) ? info.Path[(info.Path.IndexOf('/', OwnedPrefix.Length) + 1)..]
            : null;
    }
}
