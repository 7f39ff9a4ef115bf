namespace Penstock.Tests.Streams.Disk;

/// <summary>A folder that is deleted with the test that uses it.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("penstock-").FullName;

    public string[] Logs => [.. Directory.GetFiles(Path, "*.log").Order(StringComparer.Ordinal)];

    public string[] Indexes => [.. Directory.GetFiles(Path, "*.idx").Order(StringComparer.Ordinal)];

    /// <summary>What a process that dies at this moment leaves behind.</summary>
    public TemporaryFolder Copy()
    {
        var copy = new TemporaryFolder();
        foreach (var file in Directory.GetFiles(Path).OrderByDescending(file => file, StringComparer.Ordinal))
        {
            try
            {
                File.Copy(file, System.IO.Path.Combine(copy.Path, System.IO.Path.GetFileName(file)));
            }
            catch (Exception e) when (e is FileNotFoundException || System.IO.Path.GetFileName(file) == "lock")
            {
                // Deleted or renamed meanwhile; the lock may not be read.
            }
        }

        return copy;
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
