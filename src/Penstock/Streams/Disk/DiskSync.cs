using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Penstock.Streams.Disk;

/// <summary>Makes written bytes survive a power cut.</summary>
internal static partial class DiskSync
{
    /// <exception cref="IOException">The device did not confirm.</exception>
    public static void Data(SafeFileHandle file)
    {
        // fdatasync leaves out the time of the last change, which .NET's fsync would have to write each time.
        if (!OperatingSystem.IsLinux()) RandomAccess.FlushToDisk(file);
        else if (FDataSync(file) != 0) throw new IOException($"fdatasync failed with errno {Marshal.GetLastPInvokeError()}.");
    }

    /// <summary>The names in a folder, after a file was made in it.</summary>
    public static void Folder(string path)
    {
        if (OperatingSystem.IsWindows()) return; // its file system keeps the names itself
        var folder = Open(path, 0);
        if (folder < 0) throw new IOException($"Opening '{path}' failed with errno {Marshal.GetLastPInvokeError()}.");
        using var handle = new SafeFileHandle(folder, ownsHandle: true);
        if (FSync(handle) != 0) throw new IOException($"fsync of '{path}' failed with errno {Marshal.GetLastPInvokeError()}.");
    }

    [LibraryImport("libc", EntryPoint = "fdatasync", SetLastError = true)]
    private static partial int FDataSync(SafeFileHandle file);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int FSync(SafeFileHandle file);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);
}
