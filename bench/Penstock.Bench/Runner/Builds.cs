namespace Penstock.Bench.Runner;

/// <summary>Where things are: beside this program's own build there are its contenders'.</summary>
static class Builds
{
    static readonly DirectoryInfo _here = new(AppContext.BaseDirectory); // artifacts/bin/PROJECT/CONFIGURATION

    /// <summary>The repository.</summary>
    public static string Root => _here.Parent!.Parent!.Parent!.Parent!.FullName;

    /// <summary><c>artifacts/bin/PROJECT/CONFIGURATION/PROJECT.dll</c></summary>
    public static string AssemblyOf(string project)
    {
        var path = Path.Combine(_here.Parent!.Parent!.FullName, project, _here.Name, project + ".dll");
        return File.Exists(path) ? path : throw new InvalidOperationException($"{path} is missing: build the bench first");
    }
}
