using System.Text.Json;
using System.Text.Json.Serialization;
using Penstock.AspNetCore.Configuration;
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
            return Check(JsonSerializer.Deserialize(File.ReadAllBytes(path), KeyFileJson.Default.IReadOnlyListKeyRecord));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return [];
        }
        catch (JsonException e)
        {
            throw Unreadable($"it is no list of keys{(e.Path is null or "$" ? "" : $": {e.Path} is not what may stand there")}", e);
        }
        catch (Exception e) when (e is IOException and not KeyFileException or UnauthorizedAccessException)
        {
            throw Unreadable(e.Message, e);
        }
    }

    // Whoever mends the file by hand and slips must not have made more of a key than it was.
    private IReadOnlyList<KeyRecord> Check(IReadOnlyList<KeyRecord?>? keys)
    {
        var ids = new HashSet<string>(StringComparer.Ordinal);
        var errors = new List<string>();
        foreach (var (place, key) in (keys ?? throw new JsonException()).Index())
        {
            if (key is null || !ApiKey.IsId(key.Id)) throw Unreadable($"what stands there at place {place} has no id, which is the 12 hex digits after pk_");
            if (!ids.Add(key.Id)) throw Unreadable($"the key {key.Id} is there twice");
            if (!ApiKey.IsHash(key.Hash)) throw Unreadable($"the key {key.Id} has a hash that is no SHA-256 in hex");
            if (string.IsNullOrWhiteSpace(key.Owner)) throw Unreadable($"the key {key.Id} has no owner; give it one, or its own id");
            if (key.Models.Any(string.IsNullOrEmpty) || key.Endpoints.Any(string.IsNullOrEmpty)) throw Unreadable($"the key {key.Id} has a model or an endpoint without a name");
            Durations.Keep(errors, key.Id, key.CacheMaxAge, "for none");
            if (errors.Count > 0) throw Unreadable($"the key {key.Id} has a cacheMaxAge that is no time from zero to 36500 days");
            LimitsOptionsValidator.Validate(errors, key.Id, key.Limits ?? LimitSettings.None);
            if (errors.Count > 0) throw Unreadable($"the key {key.Id} has a limit under zero or beyond what can be counted; 0 is for none");
        }

        return keys!;
    }

    private KeyFileException Unreadable(string why, Exception? inner = null) =>
        new($"The keys in {path} cannot be read: {why}. Mend it, or name another file as Penstock:Auth:KeyFile.", inner);

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
internal sealed class KeyFileException(string message, Exception? inner) : IOException(message, inner);

/// <summary>A key as it is kept: all but the key itself.</summary>
internal sealed record KeyRecord(string Id, string Hash, string Owner, DateTimeOffset CreatedAt)
{
    public bool Admin { get; init; }

    // Left out they are null to the reader, whatever they begin with.
    public IReadOnlyList<string> Models { get => field ?? []; init; } = [];

    public IReadOnlyList<string> Endpoints { get => field ?? []; init; } = [];

    /// <summary>As <see cref="KeyPriority"/> says it; null for normal.</summary>
    public string? Priority { get; init; }

    /// <summary>How old an answer may be that serves for the same request; null for what the configuration says.</summary>
    public TimeSpan? CacheMaxAge { get; init; }

    public DateTimeOffset? ExpiresAt { get; init; }

    public DateTimeOffset? RevokedAt { get; init; }

    /// <summary>How much it may use; null for what all keys may.</summary>
    public LimitSettings? Limits { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, WriteIndented = true,
    RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true, AllowDuplicateProperties = false,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)] // a limit that has no such name is none
[JsonSerializable(typeof(IReadOnlyList<KeyRecord>))]
internal sealed partial class KeyFileJson : JsonSerializerContext;
