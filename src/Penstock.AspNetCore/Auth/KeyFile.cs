using System.Text.Json;
using System.Text.Json.Serialization;
using Penstock.Limits;

namespace Penstock.AspNetCore.Auth;

/// <summary>
/// The keys that were made, as <c>penstock keys</c> leaves them beside the streams: a file and not a stream, since the folder of
/// the streams is its server's alone while it runs, and whoever may write to that folder needs no other proof.
/// </summary>
internal sealed class KeyFile(string path)
{
    public string Path => path;

    /// <summary>Changes whenever the file does; null where there is none.</summary>
    /// <remarks>Of the file itself where the path is a link: Kubernetes brings a new one by turning a link.</remarks>
    public (DateTime Time, long Length)? Stamp =>
        new FileInfo(path) is { Exists: true } link && (FileInfo)(link.ResolveLinkTarget(returnFinalTarget: true) ?? link) is { Exists: true } file
            ? (file.LastWriteTimeUtc, file.Length)
            : null;

    /// <exception cref="KeyFileException">It cannot be read.</exception>
    public IReadOnlyList<KeyRecord> Read()
    {
        try
        {
            var keys = JsonSerializer.Deserialize(File.ReadAllBytes(path), KeyFileJson.Default.IReadOnlyListKeyRecord);
            return keys is not null && keys.All(k => ApiKey.IsId(k.Id) && ApiKey.IsHash(k.Hash)) ? keys : throw new JsonException();
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return [];
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new KeyFileException($"The keys in {path} cannot be read: {(e is JsonException ? "it is no list of keys" : e.Message)}. Mend it, or name another file as Penstock:Auth:KeyFile.", e);
        }
    }

    /// <summary>Changes the keys, one change at a time, and whole or not at all.</summary>
    public void Change(Func<List<KeyRecord>, IReadOnlyList<KeyRecord>> change)
    {
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path))!);
        using var turn = TakeTurn();
        var text = JsonSerializer.SerializeToUtf8Bytes(change([.. Read()]), KeyFileJson.Default.IReadOnlyListKeyRecord);
        var next = path + ".new";
        File.Delete(next);
        using (var file = new FileStream(next, FileMode.CreateNew, FileAccess.Write))
        {
            file.Write(text);
            file.Flush(flushToDisk: true);
        }

        // There is nothing to take from it, and the server may run as another user than whoever revokes a key.
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(next, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        File.Move(next, path, overwrite: true);
    }

    private FileStream TakeTurn()
    {
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                return new FileStream(path + ".lock", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException) when (attempt < 50)
            {
                Thread.Sleep(100); // another command is at it
            }
        }
    }
}

/// <summary>The key file cannot be read; the message says which and what to do.</summary>
internal sealed class KeyFileException(string message, Exception inner) : IOException(message, inner);

/// <summary>A key as it is kept: all but the key itself.</summary>
internal sealed record KeyRecord(string Id, string Hash, string Owner, DateTimeOffset CreatedAt)
{
    public bool Admin { get; init; }

    public IReadOnlyList<string> Models { get; init; } = [];

    public IReadOnlyList<string> Endpoints { get; init; } = [];

    /// <summary>As <see cref="KeyPriority"/> says it; null for normal.</summary>
    public string? Priority { get; init; }

    /// <summary>How old an answer may be that serves for the same request; null for what the configuration says.</summary>
    public TimeSpan? CacheMaxAge { get; init; }

    public DateTimeOffset? ExpiresAt { get; init; }

    public DateTimeOffset? RevokedAt { get; init; }

    /// <summary>How much it may use; null for what all keys may.</summary>
    public LimitSettings? Limits { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, WriteIndented = true, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(IReadOnlyList<KeyRecord>))]
internal sealed partial class KeyFileJson : JsonSerializerContext;
