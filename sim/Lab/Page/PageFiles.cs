using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Appliance.Lab.Page;

/// <summary>
/// The built page (sim/web), embedded in this assembly. It is empty if the program was built without Node.js, and the lab runs without it.
/// A request path is looked up in a table and never becomes a file path.
/// </summary>
internal sealed class PageFiles
{
    private const string Prefix = "page/";
    private const string Start = "index.html";

    /// <summary>The placeholder in the built start page for each answer's nonce, which the terminal's styles carry.</summary>
    private const string NonceMark = "__NONCE__";

    private static readonly Dictionary<string, string> Types = new()
    {
        [".html"] = "text/html; charset=utf-8",
        [".js"] = "text/javascript; charset=utf-8",
        [".css"] = "text/css; charset=utf-8",
        [".svg"] = "image/svg+xml",
        [".txt"] = "text/plain; charset=utf-8",
    };

    /// <summary>The embedded page.</summary>
    public static PageFiles Embedded { get; } = Of(Assembly.GetExecutingAssembly());

    private readonly Dictionary<string, byte[]> _files = [];
    private readonly string? _start;

    private PageFiles(Dictionary<string, byte[]> files)
    {
        _files = files;
        _start = files.TryGetValue(Start, out var start) ? Encoding.UTF8.GetString(start) : null;
    }

    /// <summary>False if this program was built without the page.</summary>
    public bool IsBuilt => _start is not null;

    /// <summary>Answers with the start page, for any view that the address names.</summary>
    public async Task StartAsync(HttpContext context)
    {
        if (_start is null)
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            context.Response.ContentType = "text/plain; charset=utf-8";
            await context.Response.WriteAsync(
                "This lab was built without its page: Node.js 20.19 or newer was not found. The lab API at /lab/ serves all the same (docs/use/page.md).\n",
                context.RequestAborted
            );
            return;
        }
        var nonce = Convert.ToBase64String(RandomNumberGenerator.GetBytes(16));
        Harden(context.Response.Headers, nonce);
        context.Response.Headers.CacheControl = "no-store";
        context.Response.ContentType = Types[".html"];
        await context.Response.WriteAsync(_start.Replace(NonceMark, nonce, StringComparison.Ordinal), context.RequestAborted);
    }

    /// <summary>Answers with a file of the page; false if there is none of that name.</summary>
    public async Task<bool> FileAsync(HttpContext context, string name)
    {
        if (name == Start || !_files.TryGetValue(name, out var bytes))
        {
            return false;
        }
        Harden(context.Response.Headers, nonce: null);
        // Every name except the icon's contains a digest of the content.
        context.Response.Headers.CacheControl = name.StartsWith("assets/", StringComparison.Ordinal)
            ? "public, max-age=31536000, immutable"
            : "no-cache";
        context.Response.ContentType = Types[Path.GetExtension(name)];
        context.Response.ContentLength = bytes.Length;
        await context.Response.Body.WriteAsync(bytes, context.RequestAborted);
        return true;
    }

    /// <summary>The Content-Security-Policy: no foreign sources, no inline code, no frames.</summary>
    private static void Harden(IHeaderDictionary headers, string? nonce)
    {
        headers.ContentSecurityPolicy =
            "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; style-src 'self'"
            + (nonce is null ? "" : $" 'nonce-{nonce}'");
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = "DENY";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
    }

    /// <summary>Reads the files that are embedded in an assembly.</summary>
    internal static PageFiles Of(Assembly assembly)
    {
        var files = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        foreach (var name in assembly.GetManifestResourceNames().Where(name => name.StartsWith(Prefix, StringComparison.Ordinal)))
        {
            using var stream = assembly.GetManifestResourceStream(name)!;
            var bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            files[name[Prefix.Length..].Replace('\\', '/')] = bytes;
        }
        return new PageFiles(files);
    }
}
