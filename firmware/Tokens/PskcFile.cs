using System.Globalization;
using System.Security.Cryptography;
using System.Xml;
using System.Xml.Linq;

namespace Appliance.Firmware.Tokens;

/// <summary>
/// Reads PSKC files (RFC 6030): TOTP keys with their TimeDrift, in clear text or encrypted with a pre-shared AES key in CBC mode and a MAC.
/// Everything else that limits or changes the use of a key (HOTP, keys derived from a passphrase, signatures, encrypted counters, dates,
/// policies, check digits) is refused by name.
/// </summary>
internal static class PskcFile
{
    private const string Totp = "urn:ietf:params:xml:ns:keyprov:pskc:totp";
    private static readonly XNamespace Pskc = "urn:ietf:params:xml:ns:keyprov:pskc";
    private static readonly XNamespace Xenc = "http://www.w3.org/2001/04/xmlenc#";
    private static readonly XNamespace Signature = "http://www.w3.org/2000/09/xmldsig#";

    /// <summary>Reads the tokens of a container.</summary>
    /// <exception cref="SeedFileException">The file is malformed or not supported.</exception>
    internal static List<SeedRecord> Read(string text, byte[] key)
    {
        var container = Load(text);
        if (container.Name != Pskc + "KeyContainer" || (string?)container.Attribute("Version") is not "1.0")
        {
            throw new SeedFileException("the file is not a PSKC KeyContainer of version 1.0");
        }
        if (container.Element(Signature + "Signature") is not null)
        {
            throw new SeedFileException("signed PSKC files (Signature) are not supported");
        }
        if (container.Element(Pskc + "EncryptionKey") is { } named && named.Element(Signature + "KeyName") is null)
        {
            throw new SeedFileException(
                $"an EncryptionKey by {SeedFile.Shown(named.Elements().FirstOrDefault()?.Name.LocalName ?? "nothing")} is not supported; only a pre-shared key by KeyName is"
            );
        }
        byte[]? macKey = null;
        byte[] MacKey() => macKey ??= ReadMacKey(container, key);
        return [.. container.Elements(Pskc + "KeyPackage").Select(package => ReadPackage(container, package, key, MacKey))];
    }

    private static XElement Load(string text)
    {
        try
        {
            using var reader = XmlReader.Create(
                new StringReader(text),
                new XmlReaderSettings
                {
                    DtdProcessing = DtdProcessing.Prohibit,
                    XmlResolver = null,
                    MaxCharactersInDocument = SeedFile.LengthMax,
                }
            );
            return XDocument.Load(reader).Root!;
        }
        catch (XmlException) when (text.Contains("<!DOCTYPE", StringComparison.Ordinal))
        {
            throw new SeedFileException("a file with a DOCTYPE is not supported");
        }
        catch (XmlException error)
        {
            throw new SeedFileException($"the file is not XML: line {error.LineNumber}, position {error.LinePosition}");
        }
    }

    private static SeedRecord ReadPackage(XElement container, XElement package, byte[] key, Func<byte[]> macKey)
    {
        var serial =
            package.Element(Pskc + "DeviceInfo")?.Element(Pskc + "SerialNo")?.Value.Trim()
            ?? throw new SeedFileException("a KeyPackage has no DeviceInfo/SerialNo");
        SeedFileException Wrong(string what) => new($"{SeedFile.Shown(serial)}: {what}");
        var entry = package.Elements(Pskc + "Key").ToArray() is [var only] ? only : throw Wrong("not exactly one Key");
        if ((string?)entry.Attribute("Algorithm") is var algorithm && algorithm != Totp)
        {
            throw Wrong($"the algorithm {SeedFile.Shown(algorithm ?? "(none)")} is not supported; only {Totp} is");
        }
        RefuseLimits(package, entry, Wrong);
        var parameters = entry.Element(Pskc + "AlgorithmParameters");
        var format = parameters?.Element(Pskc + "ResponseFormat");
        if ((string?)format?.Attribute("Encoding") is not (null or "DECIMAL"))
        {
            throw Wrong("only ResponseFormat Encoding DECIMAL is supported");
        }
        if ((string?)format?.Attribute("CheckDigits") is not (null or "false" or "0"))
        {
            throw Wrong("ResponseFormat CheckDigits is not supported");
        }
        var data = entry.Element(Pskc + "Data") ?? throw Wrong("no Data");
        var secret = ReadSecret(container, data.Element(Pskc + "Secret") ?? throw Wrong("no Data/Secret"), key, macKey, Wrong);
        if (secret.Length == 0)
        {
            throw Wrong("the Secret is empty");
        }
        var interval = PlainValue(data, "TimeInterval", Wrong);
        var drift = 0;
        if (
            PlainValue(data, "TimeDrift", Wrong) is { } steps
            && !int.TryParse(steps, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out drift)
        )
        {
            throw Wrong($"the TimeDrift {SeedFile.Shown(steps)} is not a whole number of time steps");
        }
        var suite = parameters?.Element(Pskc + "Suite")?.Value.Trim() ?? "";
        var hash =
            suite.Length == 0 ? "SHA1" : suite.Replace("HMAC-", "", StringComparison.Ordinal).Replace("-", "", StringComparison.Ordinal);
        if (hash is not ("SHA1" or "SHA256" or "SHA512"))
        {
            throw Wrong($"the suite {SeedFile.Shown(suite)} is not supported");
        }
        var period = interval ?? "30";
        var digits = (string?)format?.Attribute("Length") ?? "6";
        return new SeedRecord(
            serial,
            $"otpauth://totp/{serial}?secret={OtpNet.Base32Encoding.ToString(secret).TrimEnd('=')}&period={period}&digits={digits}&algorithm={hash}"
        )
        {
            Drift = drift,
        };
    }

    /// <summary>
    /// Refuses elements that limit the use of a key, because this unit would not enforce them. A policy with an unknown element permits no
    /// use at all (RFC 6030, section 5).
    /// </summary>
    private static void RefuseLimits(XElement package, XElement entry, Func<string, SeedFileException> wrong)
    {
        if (
            package
                .Element(Pskc + "DeviceInfo")!
                .Elements()
                .FirstOrDefault(element => element.Name == Pskc + "StartDate" || element.Name == Pskc + "ExpiryDate") is
            { } date
        )
        {
            throw wrong($"DeviceInfo {date.Name.LocalName} is not supported");
        }
        XElement[] policy = [.. entry.Elements(Pskc + "Policy").Elements()];
        if (policy.FirstOrDefault(element => element.Name != Pskc + "KeyUsage") is { } limit)
        {
            throw wrong($"Policy {SeedFile.Shown(limit.Name.LocalName)} is not supported");
        }
        if (policy.Length > 0 && !policy.Any(usage => usage.Value.Trim() == "OTP"))
        {
            throw wrong(
                $"the KeyUsage {SeedFile.Shown(string.Join(' ', policy.Select(usage => usage.Value.Trim())))} does not include OTP"
            );
        }
    }

    /// <summary>Returns a clear-text value of Data; null if it is missing.</summary>
    private static string? PlainValue(XElement data, string name, Func<string, SeedFileException> wrong) =>
        data.Element(Pskc + name) is not { } value
            ? null
            : value.Element(Pskc + "PlainValue")?.Value.Trim() ?? throw wrong($"an encrypted {name} is not supported");

    private static byte[] ReadSecret(
        XElement container,
        XElement secret,
        byte[] key,
        Func<byte[]> macKey,
        Func<string, SeedFileException> wrong
    )
    {
        if (secret.Element(Pskc + "PlainValue") is { } plain)
        {
            return Base64(plain.Value);
        }
        var encrypted = secret.Element(Pskc + "EncryptedValue") ?? throw wrong("Secret has neither PlainValue nor EncryptedValue");
        var cipher = Cipher(encrypted);
        // Unauthenticated data is not decrypted.
        var mac = Base64(secret.Element(Pskc + "ValueMAC")?.Value ?? throw wrong("an encrypted Secret without ValueMAC is not supported"));
        return CryptographicOperations.FixedTimeEquals(mac, Mac(container, macKey(), cipher))
            ? Decrypt(encrypted, cipher, key)
            : throw wrong("the ValueMAC is wrong: another key, or a damaged file");
    }

    private static byte[] ReadMacKey(XElement container, byte[] key)
    {
        var macKey =
            container.Element(Pskc + "MACMethod")?.Element(Pskc + "MACKey")
            ?? throw new SeedFileException("an encrypted file without MACMethod/MACKey is not supported");
        return Decrypt(macKey, Cipher(macKey), key);
    }

    private static byte[] Mac(XElement container, byte[] key, byte[] cipher) =>
        (string?)container.Element(Pskc + "MACMethod")?.Attribute("Algorithm") switch
        {
#pragma warning disable CA5350 // RFC 6030, section 6.1.1: HMAC-SHA1 is mandatory to support.
            "http://www.w3.org/2000/09/xmldsig#hmac-sha1" => HMACSHA1.HashData(key, cipher),
#pragma warning restore CA5350
            "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256" => HMACSHA256.HashData(key, cipher),
            var other => throw new SeedFileException($"the MAC {SeedFile.Shown(other ?? "(none)")} is not supported"),
        };

    private static byte[] Cipher(XElement encrypted) =>
        Base64(
            encrypted.Element(Xenc + "CipherData")?.Element(Xenc + "CipherValue")?.Value
                ?? throw new SeedFileException("an encrypted value has no CipherData/CipherValue")
        );

    private static byte[] Decrypt(XElement encrypted, byte[] cipher, byte[] key)
    {
        var method = (string?)encrypted.Element(Xenc + "EncryptionMethod")?.Attribute("Algorithm") ?? "(none)";
        var length = method switch
        {
            "http://www.w3.org/2001/04/xmlenc#aes128-cbc" => 16,
            "http://www.w3.org/2001/04/xmlenc#aes192-cbc" => 24,
            "http://www.w3.org/2001/04/xmlenc#aes256-cbc" => 32,
            _ => throw new SeedFileException($"the encryption {SeedFile.Shown(method)} is not supported; only AES in CBC mode is"),
        };
        if (key.Length != length)
        {
            throw new SeedFileException($"the file is encrypted: its pre-shared key of {length} bytes must be given in hex after the name");
        }
        using var aes = Aes.Create();
        aes.Key = key;
        try
        {
            // The initialization vector comes first (XML Encryption).
            return cipher.Length > 16
                ? aes.DecryptCbc(cipher.AsSpan(16), cipher.AsSpan(0, 16))
                : throw new SeedFileException("an encrypted value is too short");
        }
        catch (CryptographicException)
        {
            throw new SeedFileException("the file cannot be decrypted: another key, or a damaged file");
        }
    }

    private static byte[] Base64(string text)
    {
        try
        {
            return Convert.FromBase64String(text);
        }
        catch (FormatException)
        {
            throw new SeedFileException("a value is not base64");
        }
    }
}
