using System.Collections.Frozen;
using System.Reflection;
using System.Security.Cryptography;

namespace Penstock.Server.Playground;

/// <summary>A file of the page as it was built into this assembly, and what of it was compressed beforehand.</summary>
internal sealed class PlaygroundFile
{
    private const string Prefix = "playground/";

    private static readonly FrozenDictionary<string, string> _types = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        [".html"] = "text/html; charset=utf-8",
        [".js"] = "text/javascript; charset=utf-8",
        [".css"] = "text/css; charset=utf-8",
        [".svg"] = "image/svg+xml",
        [".woff2"] = "font/woff2",
    }.ToFrozenDictionary(StringComparer.Ordinal);

    private readonly Lazy<byte[]> _content;
    private readonly Dictionary<string, Lazy<byte[]>> _compressed = new(StringComparer.Ordinal);

    private PlaygroundFile(string path, Lazy<byte[]> content)
    {
        Path = path;
        _content = content;
        ETag = new(() => $"\"{Convert.ToHexStringLower(SHA256.HashData(content.Value))[..32]}\"");
    }

    /// <summary>Below the page: <c>assets/index-3f….js</c>.</summary>
    public string Path { get; }

    public string ContentType => _types.GetValueOrDefault(System.IO.Path.GetExtension(Path), "application/octet-stream");

    /// <summary>Its name has its hash, so it never changes.</summary>
    public bool IsHashed => Path.StartsWith("assets/", StringComparison.Ordinal);

    public Lazy<string> ETag { get; }

    /// <summary>All files by their path; none where the page was not built.</summary>
    public static Dictionary<string, PlaygroundFile> ReadAll(Assembly assembly)
    {
        var contents = assembly.GetManifestResourceNames()
            .Where(name => name.StartsWith(Prefix, StringComparison.Ordinal))
            .ToDictionary(name => name[Prefix.Length..].Replace('\\', '/'), name => new Lazy<byte[]>(() => Read(assembly, name)), StringComparer.Ordinal);
        var files = contents.Where(c => !IsCompressed(c.Key)).ToDictionary(c => c.Key, c => new PlaygroundFile(c.Key, c.Value), StringComparer.Ordinal);
        foreach (var (path, content) in contents.Where(c => IsCompressed(c.Key)))
            files[path[..^3]]._compressed.Add(path[^2..], content);
        return files;
    }

    /// <summary>The file as it goes to a client that takes these encodings, and the encoding's name.</summary>
    public (byte[] Content, string? Encoding) For(string accepted)
    {
        foreach (var (encoding, extension) in (ReadOnlySpan<(string, string)>)[("br", "br"), ("gzip", "gz")])
        {
            if (_compressed.TryGetValue(extension, out var content) && accepted.Contains(encoding, StringComparison.Ordinal)) return (content.Value, encoding);
        }

        return (_content.Value, null);
    }

    private static bool IsCompressed(string path) => path.EndsWith(".br", StringComparison.Ordinal) || path.EndsWith(".gz", StringComparison.Ordinal);

    private static byte[] Read(Assembly assembly, string name)
    {
        using var stream = assembly.GetManifestResourceStream(name)!;
        var content = new byte[stream.Length];
        stream.ReadExactly(content);
        return content;
    }
}
