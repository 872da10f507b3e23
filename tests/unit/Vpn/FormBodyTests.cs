using System.Text;
using Appliance.Firmware.Vpn;
using CsCheck;
using Xunit;

namespace Appliance.Tests.Vpn;

/// <summary>Forms in wire format: the accepted ones, and those that are refused with the name of the field.</summary>
public sealed class FormBodyTests
{
    [Theory]
    [InlineData("", "")]
    [InlineData("a=1&b=2", "a=1|b=2")]
    [InlineData("a=1&&b=2&", "a=1|b=2")]
    [InlineData("a=", "a=")]
    [InlineData("a=x=y", "a=x=y")]
    [InlineData("a_-9=c%2Cd%2cE", "a_-9=c,d,E")]
    [InlineData("%61=%c3%a4+%2B", "a=ä +")]
    public void WhatIsWellFormedIsRead(string body, string expected)
    {
        var form = FormBody.Parse(Encoding.UTF8.GetBytes(body), out var fault);
        Assert.Equal("", fault);
        foreach (var field in expected.Split('|', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] pair = field.Split('=', 2);
            Assert.True(form!.Has(pair[0]));
            Assert.Equal(pair[1], form[pair[0]]);
        }
        Assert.False(form!.Has("c"));
        Assert.Equal("", form["c"]);
    }

    [Theory]
    [InlineData("a", "a field without a name or without '='")]
    [InlineData("=a", "a field without a name or without '='")]
    [InlineData("a%20b=1", "a field name that is not letters, digits, '_' and '-'")]
    [InlineData("a=1&a=2", "field 'a' is given twice")]
    [InlineData("a=1&%61=", "field 'a' is given twice")]
    [InlineData("a=%", "field 'a' is not percent-encoded")]
    [InlineData("a=%4", "field 'a' is not percent-encoded")]
    [InlineData("a=%4g", "field 'a' is not percent-encoded")]
    [InlineData("a=%+4", "field 'a' is not percent-encoded")]
    [InlineData("a=%-1", "field 'a' is not percent-encoded")]
    [InlineData("a=% 4", "field 'a' is not percent-encoded")]
    [InlineData("a=%00", "field 'a' contains a control character")]
    [InlineData("a=x%0d", "field 'a' contains a control character")]
    [InlineData("a=%7f", "field 'a' contains a control character")]
    [InlineData("a=%c2%9f", "field 'a' contains a control character")]
    public void WhatIsNotIsNamed(string body, string expected)
    {
        Assert.Null(FormBody.Parse(Encoding.UTF8.GetBytes(body), out var fault));
        Assert.Equal(expected, fault);
    }

    [Theory]
    [InlineData("a=%c3", "\ufffd")]
    [InlineData("a=caf%e9", "caf\ufffd")]
    [InlineData("a=%ed%a0%80", "\ufffd\ufffd\ufffd")]
    [InlineData("a=%c0%af&b=1", "\ufffd\ufffd")]
    public void A_form_that_is_not_UTF8_is_read_and_says_so(string body, string shown)
    {
        var form = FormBody.Parse(Encoding.ASCII.GetBytes(body), out var fault);
        Assert.Equal("", fault);
        Assert.False(form!.IsText);
        Assert.Equal(shown, form["a"]);
    }

    [Fact]
    public void A_form_with_raw_bytes_that_are_not_UTF8_says_so()
    {
        Assert.False(FormBody.Parse([(byte)'a', (byte)'=', 0xe9, (byte)'&', (byte)'b', (byte)'=', (byte)'1'], out _)!.IsText);
        Assert.True(FormBody.Parse("a=caf%c3%a9&b=\ufffd"u8, out _)!.IsText);
    }

    [Fact]
    public void FieldsAndValuesHaveALimit()
    {
        Assert.NotNull(FormBody.Parse(Encoding.UTF8.GetBytes("a=" + new string('x', FormBody.ValueMax)), out _));
        Assert.Null(FormBody.Parse(Encoding.UTF8.GetBytes("a=" + new string('x', FormBody.ValueMax + 1)), out var fault));
        Assert.Equal("field 'a' is longer than 512 characters", fault);
        Assert.Null(
            FormBody.Parse(Encoding.UTF8.GetBytes(string.Join('&', Enumerable.Range(0, 33).Select(number => $"f{number}="))), out fault)
        );
        Assert.Equal("more than 32 fields", fault);
    }

    /// <summary>Any encoded value is decoded unchanged, with both encodings of a blank.</summary>
    [Fact]
    public void WhatAClientEncodesComesBack() =>
        Gen.Char["aZ09 +%&=,\"<ä漢~\u00a0"]
            .Array[0, 60]
            .Select(letters => new string(letters))
            .Sample(
                value =>
                {
                    var usual = Uri.EscapeDataString(value);
                    foreach (
                        var encoded in new[]
                        {
                            usual,
                            usual.Replace("%20", "+", StringComparison.Ordinal).Replace("%C3%A4", "%c3%A4", StringComparison.Ordinal),
                        }
                    )
                    {
                        var form = FormBody.Parse(Encoding.ASCII.GetBytes($"first=1&value={encoded}"), out var fault);
                        Assert.Equal("", fault);
                        Assert.Equal(value, form!["value"]);
                    }
                },
                iter: 1000
            );
}
