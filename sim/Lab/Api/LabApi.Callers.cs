using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Appliance.Doubles.Clock;
using Appliance.Lab.Messages;
using Appliance.Lab.Units;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Appliance.Lab.Api;

/// <summary>
/// Access control: programs and pages of this machine, and, over HTTPS if requested, paired phones of the network with their one card.
/// </summary>
public sealed partial class LabApi
{
    private static readonly TimeSpan LanCertificateLife = TimeSpan.FromDays(365);
    private X509Certificate2? _lanCertificate;

    /// <summary>SHA-256 of the certificate that phones of the network see, in hex; null without a network listener.</summary>
    internal string? LanFingerprint => _lanCertificate?.GetCertHashString(HashAlgorithmName.SHA256).ToLowerInvariant();

    /// <summary>
    /// Rejects requests of foreign pages: under a host name that resolves to loopback, or from another origin. Clients that are not
    /// browsers send no Origin and need none.
    /// </summary>
    private static void CheckCaller(HttpRequest request)
    {
        if (request.IsHttps ? !IsOwnAddress(request) : !IsLoopback(request.Host.Host))
        {
            throw LabProblem.Bad(
                $"host '{request.Host.Host}' is not {(request.IsHttps ? "the address of this listener" : "a loopback name")}"
            );
        }
        if (request.Headers.Origin is [{ } origin, ..] && origin != $"{request.Scheme}://{request.Host.Value}")
        {
            throw new LabProblem(StatusCodes.Status403Forbidden, $"origin '{origin}' is not the lab's own page");
        }
        // Sec-Fetch-Site marks a foreign page that only links here: it may open the page, and no part of the API.
        if (
            request.Headers["Sec-Fetch-Site"] is ["cross-site" or "same-site"]
            && request.Path.StartsWithSegments("/lab", StringComparison.Ordinal)
        )
        {
            throw new LabProblem(StatusCodes.Status403Forbidden, "cross-site request");
        }
    }

    private static bool IsLoopback(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
        || (IPAddress.TryParse(host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address));

    private static bool IsOwnAddress(HttpRequest request) =>
        IPAddress.TryParse(request.Host.Host.Trim('[', ']'), out var address)
        && address.Equals(request.HttpContext.Connection.LocalIpAddress)
        && request.Host.Port == request.HttpContext.Connection.LocalPort;

    /// <summary>
    /// Opens the HTTPS listener for phones of the network. Its certificate is new at each start, and its owner has to accept it by the
    /// printed digest.
    /// </summary>
    private void ListenLan(KestrelServerOptions kestrel, IPEndPoint? lan)
    {
        if (lan is null)
        {
            return;
        }
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=Appliance lab", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(lan.Address);
        request.CertificateExtensions.Add(names.Build());
        var now = LabClock.Wall.GetUtcNow();
        _lanCertificate = request.CreateSelfSigned(now.AddHours(-1), now + LanCertificateLife);
        kestrel.Listen(lan, listen => listen.UseHttps(_lanCertificate));
    }

    /// <summary>
    /// Serves a phone of the network: pairing, its card, and enrolment. Returns true if the request was answered. Other paths do not exist
    /// there.
    /// </summary>
    private async Task<bool> LanAsync(HttpContext context, string[] path)
    {
        switch (path)
        {
            case ["", "lab", "pair"]:
                await On(context, ("POST", () => Page.PairAsync(context)));
                return true;
            case ["", "lab", "phones"]:
                Page.CheckPaired(context);
                await On(context, ("POST", () => EnrolAsync(context)));
                return true;
            case ["", "lab", "card", ..]:
                return false; // This path is public; it checks the pairing itself.
            default:
                throw LabProblem.NotFound($"no such path: {context.Request.Path.Value}");
        }
    }
}
