namespace Penstock.Testing;

/// <summary>The repository that these tests were built from.</summary>
public static class Repository
{
    public static string Root { get; } = Find();

    /// <summary>Streams that real providers sent, beside the repository; null where they are not there.</summary>
    public static string? Recordings(string kind)
    {
        var folder = Path.Combine(Root, "..", "shared", "recordings", kind);
        return Directory.Exists(folder) ? folder : null;
    }

    private static string Find()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Penstock.slnx")))
            folder = folder.Parent ?? throw new DirectoryNotFoundException("No Penstock.slnx above the tests.");
        return folder.FullName;
    }
}
